/* manifest_sample.c: writes a manifest from lines on standard input, for verify_manifest_test.py.
 *
 *   manifest_sample OUT MEMBER EPOCH [PARENT PARENT_SHA256]
 *
 * Lines: sign TAB path TAB type TAB length TAB mode TAB mtime_ns TAB owner TAB group TAB crc TAB
 * target TAB xattr name TAB xattr value; text percent-encoded, "-" for none. sign '+': a record;
 * '=': the member has it, the parent says so; '-': a deletion. Prints sha256, entries, bytes and
 * root hash. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/path.h"
#include "plan/manifest.h"

enum { SIGN, PATH, TYPE, LENGTH, MODE, MTIME, OWNER, GROUP, CRC, TARGET, XATTR, VALUE, FIELDS };

static bool to_file(void *context, const void *data, size_t size, struct error *error)
{
    return fwrite(data, 1, size, context) == size || error_set(error, ERROR_IO, "short write");
}

static const char *decode(struct arena *arena, const char *text)
{
    struct buffer buffer = {0};
    if (strcmp(text, "-") == 0)
        return NULL;
    CHECK(path_percent_decode(&buffer, text, strlen(text)));
    const char *copy = arena_copy(arena, buffer_text(&buffer), buffer.size);
    buffer_fini(&buffer);
    return copy;
}

static struct entry parse(struct arena *arena, char *const fields[FIELDS])
{
    struct entry entry = {.path = decode(arena, fields[PATH]),
                          .type = (enum entry_type)atoi(fields[TYPE]),
                          .length = strtoull(fields[LENGTH], NULL, 10),
                          .mode = (uint32_t)strtoul(fields[MODE], NULL, 8),
                          .mtime_ns = strtoll(fields[MTIME], NULL, 10),
                          .owner = decode(arena, fields[OWNER]),
                          .group = decode(arena, fields[GROUP]),
                          .link_target = decode(arena, fields[TARGET]),
                          .crc_known = strcmp(fields[CRC], "-") != 0,
                          .crc32c = (uint32_t)strtoul(fields[CRC], NULL, 10)};
    const char *name = decode(arena, fields[XATTR]), *value = decode(arena, fields[VALUE]);
    if (name != NULL) {
        struct entry_xattr *xattr = arena_new(arena, sizeof *xattr);
        *xattr = (struct entry_xattr){name, value, strlen(value)};
        entry.xattrs = xattr;
        entry.xattr_count = 1;
    }
    return entry;
}

static bool add_line(struct manifest_writer *writer, char *line, struct manifest_state *state,
                     struct error *error)
{
    struct arena arena;
    char *fields[FIELDS];
    arena_init(&arena);
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < FIELDS; i++)
        CHECK((fields[i] = strsep(&line, "\t")) != NULL);
    struct manifest_record record = {.is_deletion = fields[SIGN][0] == '-',
                                     .entry = parse(&arena, fields)};
    if (!record.is_deletion)
        manifest_state_apply(state, NULL, &record.entry);
    bool ok = fields[SIGN][0] == '=' || manifest_writer_add(writer, &record, error);
    arena_fini(&arena);
    return ok;
}

int main(int argc, char **argv)
{
    struct manifest_info info = {MANIFEST_FULL, argv[2], argv[3], NULL, {{0}}};
    struct manifest_state state = {0};
    struct digest digest;
    struct error error = ERROR_NONE;
    char line[4096], text[DIGEST_TEXT_SIZE], root[DIGEST_TEXT_SIZE];
    CHECK(argc == 4 || argc == 6);
    if (argc == 6) {
        info.kind = MANIFEST_DELTA;
        info.parent = argv[4];
        CHECK(digest_parse(argv[5], &info.parent_digest));
    }
    FILE *out = fopen(argv[1], "wb");
    CHECK(out != NULL);
    struct manifest_writer *writer = manifest_writer_new(&info, to_file, out);
    bool ok = true;
    while (ok && fgets(line, sizeof line, stdin) != NULL)
        ok = add_line(writer, line, &state, &error);
    ok = ok && manifest_writer_end(writer, &state, &digest, &error);
    manifest_writer_free(writer);
    if (fclose(out) != 0 || !ok) {
        fprintf(stderr, "manifest_sample: %s\n", error.text);
        return 1;
    }
    digest_format(&digest, text);
    hex_format(state.root.bytes, DIGEST_SIZE, root);
    printf("%s %llu %llu %s\n", text, (unsigned long long)state.entries,
           (unsigned long long)state.bytes, root);
    return 0;
}
