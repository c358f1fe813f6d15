/* listing_order.h: NameNodes list names in the order of *signed* bytes: "Zürich" before "Zug", "é"
 * before "a". The component promises plain byte order. A name in ASCII alone compares the same
 * either way, so that only names with other bytes are held back, and only until one comes that they
 * cannot be behind of. Pure. */
#ifndef COEVAL_COMPONENT_HDFS_LISTING_ORDER_H
#define COEVAL_COMPONENT_HDFS_LISTING_ORDER_H

#include <stddef.h>

#include "base/error.h"
#include "plan/entry.h"

#define LISTING_HELD_BYTES_MAX ((size_t)64 << 20)

typedef bool listing_fn(void *context, const struct entry *entry, struct error *error);

struct held_entry;
struct listing_order {
    listing_fn *fn; /* receives the entries in byte order */
    void *context;
    struct held_entry **heap; /* smallest name first */
    size_t count, capacity;
    size_t held_bytes, held_bytes_max;
    bool after_ascii; /* only names that begin outside ASCII come: nothing in ASCII can follow */
};

void listing_order_init(struct listing_order *order, listing_fn *fn, void *context);
void listing_order_fini(struct listing_order *order);
/* Names must come in the NameNode's order. LIMIT: too much had to be held. */
bool listing_order_add(struct listing_order *order, const struct entry *entry, struct error *error);
bool listing_order_end(struct listing_order *order, struct error *error);

/* The NameNode's order, as strcmp() is for plain bytes. */
int listing_compare_signed(const char *a, const char *b);

#endif
