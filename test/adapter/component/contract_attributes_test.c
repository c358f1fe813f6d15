/* contract_attributes_test.c: symbolic links, modes, owners, times, ACLs, extended attributes. */
#include <string.h>

#include "contract_fixture.h"

static void symlinks_are_objects(void **state)
{
    (void)state;
    if (!has_feature(COMPONENT_SYMLINKS)) {
        assert_null(fixture.component->make_symlink);
        return;
    }
    struct error error = ERROR_NONE;
    struct store_reader *reader = NULL;
    put("f", "content");
    make("d");
    put("d/inner", "x");
    ok(fixture.component->make_symlink(fixture.store, &fixture.call, at("l"), "f", &error));
    ok(fixture.component->make_symlink(fixture.store, &fixture.call, at("k"), "d", &error));
    ok(fixture.component->make_symlink(fixture.store, &fixture.call, at("n"), "/no/where", &error));
    fails(ERROR_EXISTS,
          fixture.component->make_symlink(fixture.store, &fixture.call, at("l"), "f", &error));
    struct entry entry = look("n");
    assert_int_equal(entry.type, ENTRY_SYMLINK);
    assert_string_equal(entry.link_target, "/no/where");
    assert_int_equal(entry.length, 9);
    /* None is followed, neither at the end nor in the middle. */
    fails(ERROR_INVALID,
          fixture.component->read_open(fixture.store, &fixture.call, at("l"), 0, &reader, &error));
    fails(ERROR_INVALID, fixture.component->read_open(fixture.store, &fixture.call, at("k/inner"),
                                                      0, &reader, &error));
    struct entry wanted = {.mtime_ns = 1000000000000000000};
    ok(fixture.component->set_attributes(fixture.store, &fixture.call, at("l"), &wanted,
                                         ENTRY_TIMES, &error));
    assert_true(look("f").mtime_ns != wanted.mtime_ns);
    assert_true(look("l").mtime_ns == wanted.mtime_ns);
    ok(fixture.component->remove(fixture.store, &fixture.call, at("k"), true, &error));
    assert_string_equal(get("d/inner"), "x");
}

static void mode_owner_and_times_are_set(void **state)
{
    (void)state;
    struct error error = ERROR_NONE;
    const struct component_contract *contract = fixture.contract;
    put("f", "x");
    make("d");
    struct entry wanted = {.owner = contract->owner,
                           .group = contract->group,
                           .mode = 0751,
                           .mtime_ns = 1111111111222000000};
    unsigned fields = ENTRY_MODE | ENTRY_TIMES | (contract->owner != NULL ? ENTRY_OWNER : 0);
    if (has_feature(COMPONENT_TIMES_NS))
        wanted.mtime_ns += 333444;
    for (const char *const *name = (const char *const[]){"f", "d", NULL}; *name != NULL; name++) {
        ok(fixture.component->set_attributes(fixture.store, &fixture.call, at(*name), &wanted,
                                             fields, &error));
        struct entry entry = look(*name);
        assert_int_equal(entry_compare(&entry, &wanted, fields), 0);
    }
    struct entry none = {0};
    fails(ERROR_NOT_FOUND,
          fixture.component->set_attributes(fixture.store, &fixture.call, at("none"), &none,
                                            ENTRY_MODE, &error));
    if (!has_feature(COMPONENT_SYMLINKS)) /* special bits: sticky is all that HDFS knows */
        return;
    wanted.mode = 06750;
    ok(fixture.component->set_attributes(fixture.store, &fixture.call, at("f"), &wanted, fields,
                                         &error));
    assert_int_equal(look("f").mode, 06750);
}

static const char *set_acl(const char *name, const char *acl, unsigned mode)
{
    struct error error = ERROR_NONE;
    struct entry wanted = {.acl = acl, .mode = mode};
    ok(fixture.component->set_attributes(fixture.store, &fixture.call, at(name), &wanted,
                                         ENTRY_ACL | ENTRY_MODE, &error));
    struct entry entry = look(name);
    assert_int_equal(entry.mode, mode);
    assert_true(entry.has_acl == (acl != NULL));
    return entry.acl;
}

static bool see_acl(void *context, const struct entry *entry, struct error *error)
{
    (void)error;
    *(bool *)context = entry->has_acl;
    return true;
}

static void acls_come_back_in_canonical_form(void **state)
{
    (void)state;
    if (!has_feature(COMPONENT_ACL) || fixture.contract->acl_user == NULL)
        return;
    struct error error = ERROR_NONE;
    bool seen = true;
    const char *user = fixture.contract->acl_user;
    make("d");
    put("d/f", "x");
    const char *access = arena_format(&fixture.arena, "group::r-x,user:%s:rw-", user);
    const char *both = arena_format(&fixture.arena,
                                    "default:group::r-x,default:mask::rwx,default:other::---,"
                                    "default:user::rwx,default:user:%s:rwx,group::r-x,user:%s:rw-",
                                    user, user);
    ok(fixture.component->list(fixture.store, &fixture.call, at("d"), see_acl, &seen, &error));
    assert_false(seen);
    assert_string_equal(set_acl("d/f", access, 0670), access);
    ok(fixture.component->list(fixture.store, &fixture.call, at("d"), see_acl, &seen, &error));
    assert_true(seen);
    assert_string_equal(set_acl("d", both, 0770), both);
    assert_string_equal(set_acl("d", access, 0770), access); /* the default one goes */
    assert_string_equal(set_acl("d", both, 0750), both);
    assert_null(set_acl("d", NULL, 0750));
    assert_null(set_acl("d/f", NULL, 0640));
    fails(ERROR_INVALID,
          fixture.component->set_attributes(fixture.store, &fixture.call, at("d"),
                                            &(struct entry){.acl = "user:nobody-knows-me:rwx"},
                                            ENTRY_ACL, &error));
}

static void xattrs_are_a_set(void **state)
{
    (void)state;
    if (!has_feature(COMPONENT_XATTRS))
        return;
    struct error error = ERROR_NONE;
    const struct entry_xattr first[] = {{"user.a", "\0binary\xff", 8}, {"user.empty", "", 0}};
    const struct entry_xattr second[] = {{"user.b", "b", 1}, {"user.empty", "no more", 7}};
    struct entry wanted = {.xattrs = first, .xattr_count = 2};
    for (const char *const *name = (const char *const[]){"f", "d", NULL}; *name != NULL; name++) {
        if (strcmp(*name, "d") == 0)
            make(*name);
        else
            put(*name, "x");
        wanted.xattrs = first;
        wanted.xattr_count = 2;
        ok(fixture.component->set_attributes(fixture.store, &fixture.call, at(*name), &wanted,
                                             ENTRY_XATTRS, &error));
        struct entry entry = look(*name);
        assert_int_equal(entry_compare(&entry, &wanted, ENTRY_XATTRS), 0);
        wanted.xattrs = second;
        ok(fixture.component->set_attributes(fixture.store, &fixture.call, at(*name), &wanted,
                                             ENTRY_XATTRS, &error));
        entry = look(*name);
        assert_int_equal(entry_compare(&entry, &wanted, ENTRY_XATTRS), 0);
        wanted.xattr_count = 0;
        ok(fixture.component->set_attributes(fixture.store, &fixture.call, at(*name), &wanted,
                                             ENTRY_XATTRS, &error));
        assert_int_equal(look(*name).xattr_count, 0);
    }
}

const struct CMUnitTest contract_attributes_tests[] = {
    cmocka_unit_test(symlinks_are_objects),
    cmocka_unit_test(mode_owner_and_times_are_set),
    cmocka_unit_test(acls_come_back_in_canonical_form),
    cmocka_unit_test(xattrs_are_a_set),
    {0},
};
