/* lmdb_pages.c: walks the trees of data.mdb in key order, each page at most once; see
 * lmdb_pages.h. Recursion goes down one level of a tree at a time, at most TREE_DEPTH_MAX. */
#include "journal/lmdb/lmdb_pages.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "journal/lmdb/lmdb_pages_format.h"

struct walk {
    const struct lmdb_pages_options *options;
    struct pages_head head;
    uint8_t *seen; /* a bit for each page up to last_page */
    const char *tree_name;
    bool integer_keys;
    bool nested; /* inside a named database: no further ones below */
    lmdb_pages_fn *visit;
    /* Every key that follows is above this one, or equal to it when `inclusive`. */
    uint8_t bound[KEY_SIZE_MAX];
    size_t bound_size;
    bool bounded, inclusive;
    uint64_t entries; /* found so far in this tree */
};

struct node {
    const uint8_t *key;
    size_t key_size;
    unsigned flags;
    uint64_t child;         /* of a branch */
    const uint8_t *payload; /* of a leaf: the value, or where it is */
    size_t value_size;
    size_t size; /* on the page */
};

static bool walk_tree(struct walk *walk, const struct pages_tree *tree, struct error *error);
static bool walk_page(struct walk *walk, uint64_t number, unsigned depth, struct error *error);

static bool refuse_page(const struct walk *walk, uint64_t number, const char *why,
                        struct error *error)
{
    return error_set(error, ERROR_CORRUPT, "page %" PRIu64 " of the journal's file (%s): %s",
                     number, walk->tree_name, why);
}

/* Marks pages as in use; one that is used twice means a loop, or a live page in the free list. */
static bool claim(struct walk *walk, uint64_t number, uint64_t count, struct error *error)
{
    for (uint64_t i = number; i < number + count; i++) {
        if ((walk->seen[i / 8] >> (i % 8) & 1) != 0)
            return refuse_page(walk, i, "is used twice", error);
        walk->seen[i / 8] = (uint8_t)(walk->seen[i / 8] | 1u << (i % 8));
    }
    return true;
}

static bool is_in_file(const struct walk *walk, uint64_t number, uint64_t count)
{
    return number > 1 && number <= walk->head.last_page && number < walk->head.pages &&
           count <= walk->head.last_page - number + 1 && count <= walk->head.pages - number;
}

static int compare_keys(const struct walk *walk, const uint8_t *a, size_t a_size, const uint8_t *b,
                        size_t b_size)
{
    if (walk->integer_keys) {
        uint64_t x = get_u64(a), y = get_u64(b);
        return x < y ? -1 : x > y;
    }
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : a_size < b_size ? -1 : a_size > b_size;
}

/* Moves the bound up to a key, which must lie above it. */
static bool raise_bound(struct walk *walk, const struct node *node, bool inclusive, uint64_t page,
                        struct error *error)
{
    if (node->key_size == 0 || node->key_size > KEY_SIZE_MAX ||
        (walk->integer_keys && node->key_size != sizeof(uint64_t)))
        return refuse_page(walk, page, "holds an impossible key", error);
    if (walk->bounded) {
        int order = compare_keys(walk, node->key, node->key_size, walk->bound, walk->bound_size);
        if (order < 0 || (order == 0 && !walk->inclusive))
            return refuse_page(walk, page, "its keys are out of order", error);
    }
    memcpy(walk->bound, node->key, node->key_size);
    walk->bound_size = node->key_size;
    walk->bounded = true;
    walk->inclusive = inclusive;
    return true;
}

static bool parse_node(const struct walk *walk, const uint8_t *page, unsigned index, bool leaf,
                       struct node *node)
{
    size_t offset = get_u16(page + PAGE_HEAD + 2 * index), size = walk->head.page_size;
    if (offset < get_u16(page + 14) || offset + NODE_HEAD > size)
        return false;
    const uint8_t *bytes = page + offset;
    node->flags = get_u16(bytes + 4);
    node->key_size = get_u16(bytes + 6);
    node->key = bytes + NODE_HEAD;
    node->value_size = get_u32(bytes);
    node->child = get_u32(bytes) | (uint64_t)node->flags << 32;
    node->payload = node->key + node->key_size;
    size_t inside = !leaf ? 0 : (node->flags & NODE_BIG) != 0 ? sizeof(uint64_t) : node->value_size;
    size_t left = size - offset - NODE_HEAD;
    node->size = NODE_HEAD + node->key_size + inside;
    return node->key_size <= left && inside <= left - node->key_size;
}

/* The value of a node on pages of its own. *ret_value is to be freed. */
static bool read_big(struct walk *walk, uint64_t number, size_t size, uint8_t **ret_value,
                     struct error *error)
{
    uint8_t head[PAGE_HEAD];
    uint64_t needed = (PAGE_HEAD - 1 + size) / walk->head.page_size + 1;
    uint64_t offset = number * walk->head.page_size;
    if (!is_in_file(walk, number, needed))
        return refuse_page(walk, number, "a value lies beyond the file", error);
    if (!pages_read_at(walk->options->fd, offset, head, sizeof head, error))
        return false;
    uint64_t pages = get_u32(head + 12);
    if (get_u64(head) != number || get_u16(head + 10) != PAGE_OVERFLOW || pages < needed ||
        !is_in_file(walk, number, pages))
        return refuse_page(walk, number, "does not start a large value", error);
    if (!claim(walk, number, pages, error))
        return false;
    if (walk->visit == NULL)
        return true;
    *ret_value = memory_new(size);
    return pages_read_at(walk->options->fd, offset + PAGE_HEAD, *ret_value, size, error);
}

/* A record of the free list: a count, then page numbers from high to low. */
static bool check_free_list(void *context, const void *key, size_t key_size, const void *value,
                            size_t size, struct error *error)
{
    struct walk *walk = context;
    const uint8_t *bytes = value;
    (void)key_size;
    uint64_t transaction = get_u64(key);
    if (size < 8 || get_u64(bytes) > size / 8 - 1)
        return error_set(error, ERROR_CORRUPT,
                         "the free list of transaction %" PRIu64 " is longer than its place",
                         transaction);
    uint64_t above = walk->head.last_page + 1;
    for (uint64_t i = 1; i <= get_u64(bytes); i++) {
        uint64_t page = get_u64(bytes + 8 * i);
        if (page < 2 || page >= above)
            return error_set(error, ERROR_CORRUPT,
                             "the free list of transaction %" PRIu64 " names page %" PRIu64
                             " wrongly",
                             transaction, page);
        above = page;
        if (!claim(walk, page, 1, error))
            return false;
    }
    return true;
}

static bool walk_database(struct walk *walk, const struct node *node, struct error *error)
{
    const struct lmdb_pages_options *options = walk->options;
    char name[KEY_SIZE_MAX + 1];
    memcpy(name, node->key, node->key_size);
    name[node->key_size] = '\0';
    if (options->database != NULL && strcmp(options->database, name) != 0)
        return true;
    struct pages_tree tree = get_tree(node->payload);
    struct walk inner = *walk;
    inner.tree_name = name;
    inner.nested = true;
    inner.visit = options->visit;
    inner.bounded = false;
    inner.entries = 0;
    if (tree.flags != 0 || tree.depth > TREE_DEPTH_MAX ||
        (tree.root == PAGE_NONE) != (tree.depth == 0))
        return refuse_page(&inner, tree.root, "is an impossible root", error);
    return walk_tree(&inner, &tree, error);
}

static bool walk_leaf_node(struct walk *walk, const struct node *node, uint64_t number,
                           struct error *error)
{
    if (!raise_bound(walk, node, false, number, error))
        return false;
    walk->entries++;
    if (node->flags == NODE_DATABASE && !walk->nested && !walk->integer_keys) {
        if (node->value_size != TREE_SIZE)
            return refuse_page(walk, number, "names a database wrongly", error);
        return walk_database(walk, node, error);
    }
    if ((node->flags & ~NODE_BIG) != 0 || (!walk->nested && !walk->integer_keys))
        return refuse_page(walk, number, "holds an unknown kind of entry", error);
    uint8_t *large = NULL;
    bool walked = true;
    if ((node->flags & NODE_BIG) != 0)
        walked = read_big(walk, get_u64(node->payload), node->value_size, &large, error);
    if (walked && walk->visit != NULL)
        walked = walk->visit(walk->integer_keys ? walk : walk->options->context, node->key,
                             node->key_size, large != NULL ? large : node->payload,
                             node->value_size, error);
    free(large);
    return walked;
}

static bool walk_branch_node(struct walk *walk, const struct node *node, unsigned index,
                             uint64_t number, unsigned depth, struct error *error)
{
    /* The first key of a branch means "everything below the second" and is not looked at. */
    if (index > 0 && !raise_bound(walk, node, true, number, error))
        return false;
    return walk_page(walk, node->child, depth - 1, error);
}

/* LMDB packs entries without a gap from the upper bound to the page's end, and moves them by their
 * sizes: one that is a bit too long is sound to read, and overwrites its neighbour when something
 * before it goes. taken: a flag for each two bytes of the page, all 0. */
static bool entries_fill(const struct walk *walk, const uint8_t *page, unsigned count, bool leaf,
                         uint8_t *taken)
{
    size_t filled = 0, wanted = walk->head.page_size - get_u16(page + 14);
    for (unsigned i = 0; i < count; i++) {
        struct node node;
        if (!parse_node(walk, page, i, leaf, &node))
            return false;
        size_t offset = get_u16(page + PAGE_HEAD + 2 * i), size = (node.size + 1) / 2 * 2;
        if (offset % 2 != 0 || size > walk->head.page_size - offset)
            return false;
        for (size_t at = offset; at < offset + size; at += 2)
            if (taken[at / 2]++ != 0)
                return false;
        filled += size;
    }
    return filled == wanted;
}

static bool walk_nodes(struct walk *walk, const uint8_t *page, uint8_t *taken, uint64_t number,
                       unsigned depth, struct error *error)
{
    size_t lower = get_u16(page + 12), upper = get_u16(page + 14);
    bool leaf = depth == 1;
    if (get_u64(page) != number || get_u16(page + 10) != (leaf ? PAGE_LEAF : PAGE_BRANCH))
        return refuse_page(walk, number, "is not the page that was expected there", error);
    if (lower < PAGE_HEAD || lower % 2 != 0 || lower > upper || upper > walk->head.page_size)
        return refuse_page(walk, number, "has impossible bounds", error);
    unsigned count = (unsigned)(lower - PAGE_HEAD) / 2;
    if (count < (leaf || walk->integer_keys ? 1u : 2u))
        return refuse_page(walk, number, "has too few entries", error);
    if (!entries_fill(walk, page, count, leaf, taken))
        return refuse_page(walk, number, "its entries do not fill their place", error);
    for (unsigned i = 0; i < count; i++) {
        struct node node;
        CHECK(parse_node(walk, page, i, leaf, &node)); /* as entries_fill() has seen */
        if (!(leaf ? walk_leaf_node(walk, &node, number, error)
                   : walk_branch_node(walk, &node, i, number, depth, error)))
            return false;
    }
    return true;
}

static bool walk_page(struct walk *walk, uint64_t number, unsigned depth, struct error *error)
{
    CHECK(depth >= 1);
    if (!is_in_file(walk, number, 1))
        return refuse_page(walk, number, "lies beyond the file", error);
    if (!claim(walk, number, 1, error))
        return false;
    uint8_t *page = memory_new(walk->head.page_size + walk->head.page_size / 2);
    bool walked = pages_read_at(walk->options->fd, number * walk->head.page_size, page,
                                walk->head.page_size, error) &&
                  walk_nodes(walk, page, page + walk->head.page_size, number, depth, error);
    free(page);
    return walked;
}

/* The count is LMDB's own, and finds entries that a flipped bit has hidden at the end of a page.
 * The free list is changed while it is saved, so nobody promises its count. */
static bool walk_tree(struct walk *walk, const struct pages_tree *tree, struct error *error)
{
    if (tree->root != PAGE_NONE && !walk_page(walk, tree->root, tree->depth, error))
        return false;
    if (walk->entries == tree->entries || walk->integer_keys)
        return true;
    return error_set(error, ERROR_CORRUPT,
                     "the journal's file holds %" PRIu64 " entries in %s and should hold %" PRIu64,
                     walk->entries, walk->tree_name, tree->entries);
}

/* The newest transaction that freed a page, as the free list of a head says; 0: none yet. */
static bool newest_freed(struct walk *walk, uint64_t *ret_transaction, struct error *error)
{
    struct walk free_list = *walk;
    free_list.tree_name = "free list";
    free_list.integer_keys = true;
    free_list.visit = check_free_list;
    if (!walk_tree(&free_list, &walk->head.free, error))
        return false;
    *ret_transaction = free_list.bounded ? get_u64(free_list.bound) : 0;
    return true;
}

/* Every transaction of ours but the first frees a page, and its list carries its number. So a head
 * with another number than its newest list has a flipped bit, which would show an old state. */
static bool check_numbers(struct walk *walk, const struct pages_head *other, struct error *error)
{
    struct error ignored = ERROR_NONE;
    uint64_t freed, before = 0;
    if (!newest_freed(walk, &freed, error))
        return false;
    struct walk old = {.options = walk->options, .head = *other};
    if (other->transaction + 1 == walk->head.transaction && other->last_page < old.head.pages * 2) {
        old.seen = memory_new(other->last_page / 8 + 1);
        if (!newest_freed(&old, &before, &ignored))
            before = 0; /* pages of the old state only: nobody needs them any more */
        free(old.seen);
    }
    if ((freed == walk->head.transaction || walk->head.transaction <= 1) &&
        before <= other->transaction)
        return true;
    return error_set(error, ERROR_CORRUPT,
                     "the head pages of the journal's file show an old state (transaction %" PRIu64
                     ", and there was one with %" PRIu64 ")",
                     walk->head.transaction, freed > before ? freed : before);
}

bool lmdb_pages_walk(const struct lmdb_pages_options *options, struct error *error)
{
    struct walk walk = {.options = options, .tree_name = "list of databases"};
    struct pages_head other;
    if (!pages_head_read(options->fd, options->any_transaction ? NULL : &options->transaction,
                         &walk.head, &other, error))
        return false;
    walk.seen = memory_new(walk.head.last_page / 8 + 1);
    bool walked = (options->database != NULL || check_numbers(&walk, &other, error)) &&
                  walk_tree(&walk, &walk.head.main, error);
    free(walk.seen);
    return walked;
}
