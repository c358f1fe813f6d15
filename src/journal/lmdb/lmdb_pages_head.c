/* lmdb_pages_head.c: the two head pages of data.mdb. LMDB writes them in turn, by the parity of the
 * transaction, so their numbers differ by exactly one; a flipped bit that would bring back an old
 * state (and lose what came after) is seen by that. */
#include "journal/lmdb/lmdb_pages_format.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/lmdb/lmdb_pages.h"

#define HEAD_SIZE_READ 152u /* page head and what LMDB keeps behind it */
#define MAGIC 0xBEEFC0DEu
#define DATA_VERSION 1u
#define MAP_MAX ((uint64_t)1 << 46)
#define HEAD_TRIES 100              /* a live writer may replace one head between our reads */
#define UNWRITTEN_PAGES_MAX 131072u /* pages of a transaction that were given up before its end */

bool pages_read_at(int fd, uint64_t offset, void *data, size_t size, struct error *error)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, (uint8_t *)data + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "read the journal at byte %" PRIu64, offset);
        if (got == 0)
            return error_set(error, ERROR_CORRUPT, "the journal's file ends at byte %" PRIu64,
                             offset + done);
        done += (size_t)got;
    }
    return true;
}

static bool refuse_head(struct error *error, unsigned index, const char *why)
{
    return error_set(error, ERROR_CORRUPT, "head page %u of the journal's file: %s", index, why);
}

static bool tree_is_sane(const struct pages_tree *tree, unsigned flags)
{
    return tree->flags == flags && tree->depth <= TREE_DEPTH_MAX &&
           (tree->root == PAGE_NONE) == (tree->depth == 0);
}

static bool parse_head(const uint8_t *page, unsigned index, struct pages_head *head,
                       struct error *error)
{
    const uint8_t *meta = page + PAGE_HEAD;
    if (get_u64(page) != index || (get_u16(page + 10) & ~0x10u) != PAGE_META)
        return refuse_head(error, index, "is not a head page");
    if (get_u32(meta) != MAGIC)
        return refuse_head(error, index, "has no LMDB mark");
    if (get_u32(meta + 4) != DATA_VERSION)
        return refuse_head(error, index, "was written by another version of LMDB");
    uint64_t map = get_u64(meta + 16);
    head->page_size = get_u32(meta + 24);
    head->free = get_tree(meta + 24);
    head->main = get_tree(meta + 72);
    head->last_page = get_u64(meta + 120);
    head->transaction = get_u64(meta + 128);
    size_t size = head->page_size;
    if (size < 512 || size > 65536 || (size & (size - 1)) != 0)
        return refuse_head(error, index, "has an impossible page size");
    if (map > MAP_MAX || head->last_page > MAP_MAX / size)
        return refuse_head(error, index, "has an impossible size of the map");
    if (!tree_is_sane(&head->free, TREE_INTEGER_KEYS) || !tree_is_sane(&head->main, 0))
        return refuse_head(error, index, "has impossible roots");
    return true;
}

/* False with ERROR_OK: neither head is the wanted one, or they do not fit: look again. */
static bool choose_head(const struct pages_head heads[2], const uint64_t *transaction,
                        int *ret_index)
{
    uint64_t first = heads[0].transaction, second = heads[1].transaction;
    bool fresh = first == 0 && second == 0;
    bool in_turn =
        (first & 1) == 0 && (second & 1) == 1 && (first + 1 == second || second + 1 == first);
    if (heads[0].page_size != heads[1].page_size)
        return false;
    if (transaction == NULL) {
        if (!fresh && !in_turn)
            return false;
        *ret_index = second > first;
        return true;
    }
    for (int i = 0; i < 2; i++)
        if (heads[i].transaction == *transaction) {
            *ret_index = i;
            return true;
        }
    return false;
}

static bool read_heads(int fd, const uint64_t *transaction, struct pages_head heads[2],
                       int *ret_index, struct error *error)
{
    uint8_t page[HEAD_SIZE_READ];
    if (!pages_read_at(fd, 0, page, sizeof page, error) || !parse_head(page, 0, &heads[0], error))
        return false;
    if (!pages_read_at(fd, heads[0].page_size, page, sizeof page, error) ||
        !parse_head(page, 1, &heads[1], error))
        return false;
    if (!choose_head(heads, transaction, ret_index))
        return error_set(
            error, ERROR_CORRUPT,
            "the head pages of the journal's file do not belong together (transactions "
            "%" PRIu64 " and %" PRIu64 ")",
            heads[0].transaction, heads[1].transaction);
    return true;
}

bool pages_head_read(int fd, const uint64_t *transaction, struct pages_head *ret_head,
                     struct pages_head *ret_other, struct error *error)
{
    struct pages_head heads[2];
    struct stat status;
    int tries = 0, index = 0;
    while (!read_heads(fd, transaction, heads, &index, error))
        if (error->code != ERROR_CORRUPT || ++tries == HEAD_TRIES)
            return false;
    if (fstat(fd, &status) != 0)
        return error_set_errno(error, errno, "look at the journal's file");
    struct pages_head *head = &heads[index], *other = &heads[1 - index];
    head->pages = other->pages = (uint64_t)status.st_size / head->page_size;
    if (head->last_page < 1 || head->last_page >= head->pages + UNWRITTEN_PAGES_MAX)
        return error_set(error, ERROR_CORRUPT,
                         "the journal's file has %" PRIu64 " pages and its head says %" PRIu64
                         ": it was cut",
                         head->pages, head->last_page + 1);
    *error = ERROR_NONE; /* of a try that met a head half-way */
    *ret_head = *head;
    *ret_other = *other;
    return true;
}

bool lmdb_pages_check_head(int fd, struct error *error)
{
    struct pages_head head, other;
    return pages_head_read(fd, NULL, &head, &other, error);
}
