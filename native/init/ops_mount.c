/* Mounts. Sources are the host's, targets are walked inside the new root, and both are descriptors when they meet. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { BIND_RECURSIVE = 1, BIND_HELD = 2, BIND_NO_CREATE = 4, BIND_OPENED = 8, BIND_PEER = 16 };

int run_hold(struct context *ctx, const struct op_hold *op) {
  bool detached;
  if (op->slot >= HOLD_SLOTS) return EINVAL;
  /* The path was resolved when the sandbox was made; a command that ran since may have put a link into it. */
  int path = sys_openat2(AT_FDCWD, op->path, O_PATH | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  if (path < 0) return errno == ELOOP ? ESTALE : errno;
  int fd = copy_tree(path, "", true, AT_EMPTY_PATH, &detached);
  int error = fd < 0 ? errno : 0;
  close(path);
  ctx->held[op->slot] = fd;
  return error;
}

/* MS_* as MOUNT_ATTR_*; false where fsmount(2) cannot say it. RDONLY NOSUID NODEV NOEXEC have the same bits. */
static bool attributes_of(unsigned long flags, uint64_t *attr) {
  *attr = flags & 0xf;
  if (flags & MS_NOATIME) *attr |= MOUNT_ATTR_NOATIME_;
  if (flags & MS_STRICTATIME) *attr |= MOUNT_ATTR_STRICTATIME_;
  if (flags & MS_NODIRATIME) *attr |= MOUNT_ATTR_NODIRATIME_;
  return !(flags & ~(unsigned long)(0xf | MS_NOATIME | MS_STRICTATIME | MS_NODIRATIME | MS_RELATIME));
}

/*
 * Made apart and then moved to its place, so that what is done to it next hits it, whatever its path leads to by then.
 * False: mount(2) must do it, and say what is wrong. A backslash escapes a comma only there, and overlay reads its own way.
 */
static bool mount_apart(struct context *ctx, const struct op_mount *op, int target) {
  char data[4096];
  uint64_t attr;
  int fd = -1, size = snprintf(data, sizeof data, "%s%s", op->flags & MS_RDONLY ? "ro," : "", op->data);
  if (size < 0 || size >= (int)sizeof data || strchr(data, '\\') || strcmp(op->fstype, "overlay") == 0) return false;
  if (!attributes_of(op->flags, &attr)) return false;
  if (make_filesystem(&(struct filesystem){op->fstype, op->source, data, attr}, &fd) != 0) {
    detail("%s", "");
    return false;
  }
  if (sys_move_mount(fd, target) != 0) {
    close(fd);
    return false;
  }
  remember(ctx, fd, op->target);
  return true;
}

int run_mount(struct context *ctx, const struct op_mount *op) {
  char path[FD_PATH];
  int target, error;
  error = walk_create(ctx, op->target, true, 0755, &target);
  if (error) return error;
  if (op->nofollow) { /* proc and sysfs: an image must not send them elsewhere, and nothing may be in between */
    close(target);
    error = walk(ctx, op->target, WALK_NO_SYMLINKS, &target);
    if (error) return error;
  }
  if (!is_directory(target)) error = ENOTDIR;
  if (!error && !op->nofollow && leads_astray(target, op->target)) error = ELOOP;
  const char *data = *op->data ? op->data : NULL;
  if (!error && !mount_apart(ctx, op, target)) {
    if (mount(op->source, fd_path(path, target), op->fstype, op->flags, data) != 0) error = errno;
    remember(ctx, -1, "");
  }
  close(target);
  return error;
}

/* A copy that was taken in the host's mount namespace would send what is mounted on it there. */
static int keep_in(int tree) {
  char path[FD_PATH];
  return mount(NULL, fd_path(path, tree), NULL, MS_SLAVE | MS_REC, NULL) == 0 ? 0 : errno;
}

int run_bind(struct context *ctx, const struct op_bind *op) {
  bool recursive = op->flags & BIND_RECURSIVE, detached = true;
  int tree, target = -1, error;
  if (op->flags & BIND_HELD) {
    if (op->slot >= HOLD_SLOTS || ctx->held[op->slot] < 0) return EINVAL;
    tree = ctx->held[op->slot];
    ctx->held[op->slot] = -1;
  } else if (op->flags & BIND_OPENED) {
    tree = (int)op->slot; /* our parent copied it: as root of a user namespace we could not walk there */
  } else {
    tree = copy_tree(AT_FDCWD, op->source, recursive, 0, &detached);
  }
  if (tree < 0) {
    detail("source");
    return errno;
  }
  bool directory = is_directory(tree);
  error = op->flags & BIND_NO_CREATE ? walk(ctx, op->target, WALK_NO_SYMLINKS, &target)
                                     : walk_create(ctx, op->target, directory, directory ? 0755 : 0644, &target);
  if (error) detail("target");
  if (!error && is_directory(target) != directory) {
    detail(directory ? "the source is a directory, the target is a file" : "the source is a file, the target is a directory");
    error = directory ? ENOTDIR : EISDIR;
  }
  if (!error && leads_astray(target, op->target)) error = ELOOP;
  if (!error) error = attach(tree, target, recursive, detached);
  if (!error && (op->flags & (BIND_HELD | BIND_OPENED)) && !(op->flags & BIND_PEER)) error = keep_in(tree);
  if (target >= 0) close(target);
  if (!error && detached) {
    remember(ctx, tree, op->target);
    return 0;
  }
  close(tree);
  return error;
}
