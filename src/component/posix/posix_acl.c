/* posix_acl.c: POSIX ACLs in the text form of entry.h. With an extended ACL the group bits of the
 * mode are the mask, so the owning group's own entry "group::" is part of the text; user, mask and
 * other are what the mode says. A directory's default entries are written whole. */
#include <acl/libacl.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/xattr.h>

#include "base/check.h"
#include "component/posix/posix_attributes.h"
#include "component/posix/posix_names.h"

#define ITEMS_MAX 1024

static bool acl_is_there(const char *proc_path)
{
    return getxattr(proc_path, "system.posix_acl_access", NULL, 0) > 0 ||
           getxattr(proc_path, "system.posix_acl_default", NULL, 0) > 0;
}

bool posix_acl_is_there(int directory, const char *name)
{
    char path[POSIX_PROC_SIZE + NAME_MAX + 2];
    posix_proc_path(directory, path);
    size_t used = strlen(path);
    snprintf(path + used, sizeof path - used, "/%s", name);
    return lgetxattr(path, "system.posix_acl_access", NULL, 0) > 0 ||
           lgetxattr(path, "system.posix_acl_default", NULL, 0) > 0;
}

static const char *word_of(acl_tag_t tag)
{
    if (tag == ACL_USER || tag == ACL_USER_OBJ)
        return "user";
    if (tag == ACL_GROUP || tag == ACL_GROUP_OBJ)
        return "group";
    return tag == ACL_MASK ? "mask" : "other";
}

static const char *qualifier_of(struct store *store, acl_entry_t item, acl_tag_t tag,
                                struct arena *arena)
{
    if (tag != ACL_USER && tag != ACL_GROUP)
        return "";
    uint32_t *id = acl_get_qualifier(item);
    CHECK(id != NULL);
    const char *name =
        posix_name_of(store->names, tag == ACL_USER ? POSIX_USER : POSIX_GROUP, *id, arena);
    acl_free(id);
    return name;
}

static const char *text_of(struct store *store, acl_entry_t item, bool is_default,
                           struct arena *arena)
{
    acl_tag_t tag;
    acl_permset_t permissions;
    CHECK(acl_get_tag_type(item, &tag) == 0);
    CHECK(acl_get_permset(item, &permissions) == 0);
    return arena_format(arena, "%s%s:%s:%c%c%c", is_default ? "default:" : "", word_of(tag),
                        qualifier_of(store, item, tag, arena),
                        acl_get_perm(permissions, ACL_READ) > 0 ? 'r' : '-',
                        acl_get_perm(permissions, ACL_WRITE) > 0 ? 'w' : '-',
                        acl_get_perm(permissions, ACL_EXECUTE) > 0 ? 'x' : '-');
}

struct items {
    const char *texts[ITEMS_MAX];
    size_t count;
};

static bool is_said_by_mode(acl_entry_t item)
{
    acl_tag_t tag;
    CHECK(acl_get_tag_type(item, &tag) == 0);
    return tag == ACL_USER_OBJ || tag == ACL_MASK || tag == ACL_OTHER;
}

static bool collect(struct store *store, const char *proc_path, acl_type_t type,
                    struct items *items, struct arena *arena)
{
    bool is_default = type == ACL_TYPE_DEFAULT;
    acl_t acl = acl_get_file(proc_path, type);
    if (acl == NULL)
        return errno == EOPNOTSUPP || errno == ENOSYS;
    bool collected = true;
    acl_entry_t item;
    bool wanted = is_default || acl_equiv_mode(acl, NULL) != 0;
    for (int got = acl_get_entry(acl, ACL_FIRST_ENTRY, &item); wanted && collected && got == 1;
         got = acl_get_entry(acl, ACL_NEXT_ENTRY, &item)) {
        if (!is_default && is_said_by_mode(item))
            continue;
        collected = items->count < ITEMS_MAX;
        if (collected)
            items->texts[items->count++] = text_of(store, item, is_default, arena);
        else
            errno = E2BIG;
    }
    int number = errno;
    acl_free(acl);
    errno = number;
    return collected;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool posix_acl_read(struct store *store, const char *proc_path, bool is_directory,
                    struct arena *arena, const char **ret_text)
{
    *ret_text = NULL;
    if (!acl_is_there(proc_path)) /* nearly always, and much cheaper than libacl */
        return true;
    struct items items = {.count = 0};
    if (!collect(store, proc_path, ACL_TYPE_ACCESS, &items, arena) ||
        (is_directory && !collect(store, proc_path, ACL_TYPE_DEFAULT, &items, arena)))
        return false;
    if (items.count == 0)
        return true;
    qsort(items.texts, items.count, sizeof items.texts[0], compare_texts);
    struct buffer text;
    buffer_init(&text, 0);
    for (size_t i = 0; i < items.count; i++) {
        buffer_append_text(&text, i == 0 ? "" : ",");
        buffer_append_text(&text, items.texts[i]);
    }
    *ret_text = arena_string(arena, buffer_text(&text));
    buffer_fini(&text);
    return true;
}

static void add_item(acl_t *acl, acl_tag_t tag, const uint32_t *id, unsigned permissions)
{
    acl_entry_t item;
    acl_permset_t set;
    CHECK(acl_create_entry(acl, &item) == 0);
    CHECK(acl_set_tag_type(item, tag) == 0);
    CHECK(id == NULL || acl_set_qualifier(item, id) == 0);
    CHECK(acl_get_permset(item, &set) == 0);
    CHECK(acl_clear_perms(set) == 0);
    CHECK((permissions & 4) == 0 || acl_add_perm(set, ACL_READ) == 0);
    CHECK((permissions & 2) == 0 || acl_add_perm(set, ACL_WRITE) == 0);
    CHECK((permissions & 1) == 0 || acl_add_perm(set, ACL_EXECUTE) == 0);
}

/* One "word:name:rwx", without "default:". */
struct item {
    acl_tag_t tag;
    char name[256];
    unsigned permissions;
};

static bool parse_permissions(const char *text, unsigned *ret_permissions)
{
    *ret_permissions = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (text[i] == "rwx"[i])
            *ret_permissions |= 4U >> i;
        else if (text[i] != '-')
            return false;
    }
    return text[3] == '\0';
}

static bool parse_item(const char *text, size_t size, struct item *ret_item)
{
    char copy[320], *rest = copy;
    if (size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    const char *word = strsep(&rest, ":"), *name = strsep(&rest, ":");
    if (name == NULL || rest == NULL || strlen(name) >= sizeof ret_item->name ||
        !parse_permissions(rest, &ret_item->permissions))
        return false;
    memcpy(ret_item->name, name, strlen(name) + 1);
    if (strcmp(word, "user") == 0)
        ret_item->tag = name[0] == '\0' ? ACL_USER_OBJ : ACL_USER;
    else if (strcmp(word, "group") == 0)
        ret_item->tag = name[0] == '\0' ? ACL_GROUP_OBJ : ACL_GROUP;
    else if (strcmp(word, "mask") == 0 && name[0] == '\0')
        ret_item->tag = ACL_MASK;
    else if (strcmp(word, "other") == 0 && name[0] == '\0')
        ret_item->tag = ACL_OTHER;
    else
        return false;
    return true;
}

/* Adds the items of one kind; *ret_group_seen: the owning group's entry was among them. */
static bool add_items(struct store *store, acl_t *acl, const char *text, bool is_default,
                      size_t *ret_count, bool *ret_group_seen, struct error *error)
{
    const size_t prefix = strlen("default:");
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ",");
        const char *item_text = at;
        at += size + (at[size] == ',');
        bool has_prefix = size > prefix && strncmp(item_text, "default:", prefix) == 0;
        if (has_prefix != is_default)
            continue;
        struct item item;
        uint32_t id = 0;
        size_t skipped = has_prefix ? prefix : 0;
        if (!parse_item(item_text + skipped, size - skipped, &item) ||
            (!is_default && (item.tag == ACL_USER_OBJ || item.tag == ACL_OTHER)))
            return error_set(error, ERROR_INVALID, "'%.*s' is no entry of an ACL",
                             size > 80 ? 80 : (int)size, item_text);
        bool is_named = item.tag == ACL_USER || item.tag == ACL_GROUP;
        if (is_named && !posix_id_of(store->names, item.tag == ACL_USER ? POSIX_USER : POSIX_GROUP,
                                     item.name, &id, error))
            return false;
        *ret_group_seen = *ret_group_seen || item.tag == ACL_GROUP_OBJ;
        if (!is_default && item.tag == ACL_MASK)
            continue; /* the mode's group bits say it */
        add_item(acl, item.tag, is_named ? &id : NULL, item.permissions);
        ++*ret_count;
    }
    return true;
}

/* The access ACL: base entries from the mode, whose group bits are the mask as soon as there is
 * any entry besides them. */
static bool write_access(struct store *store, const char *proc_path, unsigned mode,
                         const char *text, const char *path, struct error *error)
{
    acl_t acl = acl_init(8);
    CHECK(acl != NULL);
    size_t count = 0;
    bool group_seen = false;
    bool written = add_items(store, &acl, text, false, &count, &group_seen, error);
    add_item(&acl, ACL_USER_OBJ, NULL, mode >> 6 & 7);
    add_item(&acl, ACL_OTHER, NULL, mode & 7);
    if (!group_seen)
        add_item(&acl, ACL_GROUP_OBJ, NULL, mode >> 3 & 7);
    if (count > 0)
        add_item(&acl, ACL_MASK, NULL, mode >> 3 & 7);
    if (written && acl_set_file(proc_path, ACL_TYPE_ACCESS, acl) != 0)
        written = posix_fail(error, errno, "set ACL of", path);
    acl_free(acl);
    return written;
}

static bool write_default(struct store *store, const char *proc_path, const char *text,
                          const char *path, struct error *error)
{
    acl_t acl = acl_init(8);
    CHECK(acl != NULL);
    size_t count = 0;
    bool group_seen = false;
    bool written = add_items(store, &acl, text, true, &count, &group_seen, error);
    if (written && count == 0 && acl_delete_def_file(proc_path) != 0)
        written = posix_fail(error, errno, "remove default ACL of", path);
    if (written && count > 0 && acl_set_file(proc_path, ACL_TYPE_DEFAULT, acl) != 0)
        written = posix_fail(error, errno, "set default ACL of", path);
    acl_free(acl);
    return written;
}

bool posix_acl_write(struct store *store, const char *proc_path, const struct posix_status *status,
                     const char *text, const char *path, struct error *error)
{
    if (text == NULL && !acl_is_there(proc_path))
        return true;
    if (!write_access(store, proc_path, status->mode, text, path, error))
        return false;
    return !S_ISDIR(status->type) || write_default(store, proc_path, text, path, error);
}
