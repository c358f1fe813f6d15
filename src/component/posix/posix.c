/* posix.c: the table of the component. */
#include "component/posix/posix.h"

#include "component/posix/posix_calls.h"
#include "component/posix/posix_file.h"
#include "component/posix/posix_moment.h"
#include "component/posix/posix_snapshot.h"
#include "component/posix/posix_store.h"
#include "component/posix/posix_torn.h"

const struct component posix_component = {
    .kind = "posix",
    .features = COMPONENT_BARRIER | COMPONENT_MODE | COMPONENT_ACL | COMPONENT_XATTRS |
                COMPONENT_SYMLINKS | COMPONENT_TIMES_NS | COMPONENT_NAMES_ANY,
    .check_options = posix_check_options,
    .open = posix_open,
    .close = posix_close,
    .identify = posix_identify,
    .check = posix_check,
    .space = posix_space,
    .clock_offset = posix_clock_offset,
    .stat = posix_stat,
    .describe = posix_describe,
    .list = posix_list,
    .checksum = posix_checksum,
    .confirm = posix_confirm,
    .make_directory = posix_make_directory,
    .make_symlink = posix_make_symlink,
    .rename = posix_rename,
    .remove = posix_remove,
    .set_attributes = posix_set_attributes,
    .copy_file = posix_copy_file,
    .read_open = posix_read_open,
    .read = posix_read,
    .read_close = posix_read_close,
    .write_open = posix_write_open,
    .write = posix_write,
    .write_close = posix_write_close,
    .allow_snapshots = posix_allow_snapshots,
    .disallow_snapshots = posix_disallow_snapshots,
    .moment_prepare = posix_moment_prepare,
    .moment_fire = posix_moment_fire,
    .moment_finish = posix_moment_finish,
    .moment_free = posix_moment_free,
    .snapshot_create = posix_snapshot_create,
    .snapshot_get = posix_snapshot_get,
    .snapshot_list = posix_snapshot_list,
    .snapshot_remove = posix_snapshot_remove,
    .snapshot_path = posix_snapshot_path,
    .pinned = posix_pinned,
    .difference = posix_difference,
    .is_suspect = posix_is_suspect,
};
