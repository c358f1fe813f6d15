/* list.h: intrusive doubly linked list. The head is a node too; an empty list points at itself. */
#ifndef COEVAL_BASE_LIST_H
#define COEVAL_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list {
    struct list *next;
    struct list *previous;
};

static inline void list_init(struct list *list)
{
    list->next = list->previous = list;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->next == list;
}

/* Puts node at the end. */
static inline void list_append(struct list *list, struct list *node)
{
    node->next = list;
    node->previous = list->previous;
    list->previous->next = node;
    list->previous = node;
}

/* Unlinks node and leaves it pointing at itself, so removing twice does no harm. */
static inline void list_remove(struct list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

#define list_entry(node, type, member) container_of(node, type, member)
/* The body may remove the current entry, nothing else. */
#define list_for_each(entry, list, type, member)                            \
    for (type *entry = list_entry((list)->next, type, member),              \
              *entry##_next = list_entry(entry->member.next, type, member); \
         &entry->member != (list);                                          \
         entry = entry##_next, entry##_next = list_entry(entry->member.next, type, member))

#endif
