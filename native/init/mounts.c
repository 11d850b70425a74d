/* What the ops of mounts share: a tree that is copied and put somewhere, and the mount that was made last. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { PROC_MAGIC = 0x9fa0, SYSFS_MAGIC = 0x62656572 };

/*
 * A detached copy of the tree at dir/path. Without open_tree(2) (before 5.2) the plain descriptor comes back, and
 * attach() falls back to mount(2). A mount that is its own descriptor keeps every flag it had, so locked ones stay.
 */
int copy_tree(int dir, const char *path, bool recursive, unsigned extra, bool *detached) {
  int fd = sys_open_tree(dir, path, OPEN_TREE_CLONE | extra | (recursive ? AT_RECURSIVE_ : 0));
  *detached = true;
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
  int plain = *path ? openat(dir, path, O_PATH | O_CLOEXEC) : fcntl(dir, F_DUPFD_CLOEXEC, 3);
  *detached = false;
  return plain;
}

int attach(int tree, int target, bool recursive, bool detached) {
  char from[FD_PATH], to[FD_PATH];
  if (detached && sys_move_mount(tree, target) == 0) return 0;
  if (detached && errno != ENOSYS) return errno;
  return mount(fd_path(from, tree), fd_path(to, target), NULL, MS_BIND | (recursive ? MS_REC : 0), NULL) ? errno : 0;
}

bool is_directory(int fd) {
  struct stat stat;
  return fstat(fd, &stat) == 0 && S_ISDIR(stat.st_mode);
}

/* Attributes that follow a bind must hit that mount, and not what a second walk of its path may find by now. */
void remember(struct context *ctx, int fd, const char *target) {
  if (ctx->last >= 0) close(ctx->last);
  ctx->last = fd;
  ctx->last_target = target;
}

int find_mount(const struct context *ctx, const char *target, int *fd) {
  if (ctx->last >= 0 && strcmp(ctx->last_target, target) == 0) {
    *fd = fcntl(ctx->last, F_DUPFD_CLOEXEC, 3);
    return *fd < 0 ? errno : 0;
  }
  return walk(ctx, target, 0, fd);
}

static bool begins(const char *path, const char *prefix) { return strncmp(path, prefix, strlen(prefix)) == 0; }

/*
 * A link of the image must not lead a mount over files of proc or sysfs, nor a copy of their content into a tmpfs; by
 * their own names they may be covered.
 */
bool leads_astray(int target, const char *path) {
  struct statfs fs;
  if (begins(path, "/proc/") || begins(path, "/sys/") || fstatfs(target, &fs) != 0) return false;
  return fs.f_type == PROC_MAGIC || (fs.f_type == SYSFS_MAGIC && strcmp(path, "/sys") != 0);
}
