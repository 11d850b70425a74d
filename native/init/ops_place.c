/*
 * Mounts of a container that runs already. They are made and given their attributes where nobody sees them, and appear
 * as a whole. The container's /proc may be anything by now, so nothing here goes by a name in it.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { PROC_MAGIC = 0x9fa0 };

int run_hold_proc(struct context *ctx, const struct op_hold_proc *op) {
  struct statfs fs;
  ctx->proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (ctx->proc < 0 || fstatfs(ctx->proc, &fs) != 0) return errno;
  return fs.f_type == PROC_MAGIC ? 0 : ENODEV;
}

int run_hold_mount(struct context *ctx, const struct op_hold_mount *op) {
  if (op->slot >= HOLD_SLOTS) return EINVAL;
  return make_filesystem(&(struct filesystem){op->fstype, op->source, op->data, op->attr}, &ctx->held[op->slot]);
}

int run_hold_attr(struct context *ctx, const struct op_hold_attr *op) {
  const struct attr propagation = {.propagation = op->propagation};
  const struct wish wish = {op->set, op->clear, op->spare, op->recursive, op->locked};
  int tree = op->slot < HOLD_SLOTS ? ctx->held[op->slot] : -1;
  if (tree < 0) return EINVAL;
  if (op->propagation && sys_mount_setattr(tree, op->recursive ? AT_RECURSIVE_ : 0, &propagation) != 0) return errno;
  return apply_wish(ctx, tree, &wish);
}

/* umount2(2) knows only paths. Through our own proc a descriptor has one that nobody can change. */
static int take_off(const struct context *ctx, int mount) {
  char path[FD_PATH];
  snprintf(path, sizeof path, "self/fd/%d", mount);
  if (fchdir(ctx->proc) != 0) return errno;
  return umount2(path, MNT_DETACH) == 0 ? 0 : errno;
}

static int put(const struct context *ctx, const struct op_place *op, int tree) {
  bool directory = is_directory(tree);
  int target, error = walk_create(ctx, op->target, directory, directory ? 0755 : 0644, &target);
  if (error) {
    detail("target");
    return error;
  }
  if (is_directory(target) != directory) error = directory ? ENOTDIR : EISDIR;
  if (!error && leads_astray(target, op->target)) error = ELOOP;
  if (!error && sys_move_mount(tree, target) != 0) error = errno;
  close(target);
  return error;
}

/* All of them or none: the slots before this one have their places already. */
int run_place(struct context *ctx, const struct op_place *op) {
  int tree = op->slot < HOLD_SLOTS ? ctx->held[op->slot] : -1;
  if (tree < 0 || ctx->proc < 0) return EINVAL;
  int error = put(ctx, op, tree);
  for (uint64_t slot = op->slot; error && slot-- > 0;)
    if (ctx->held[slot] >= 0) take_off(ctx, ctx->held[slot]);
  return error;
}

/* A link could lead to what hides something from whoever made it. */
int run_remove_mount(struct context *ctx, const struct op_remove_mount *op) {
  int fd, error = ctx->proc < 0 ? EINVAL : walk(ctx, op->target, WALK_NO_SYMLINKS, &fd);
  if (error) return error;
  error = take_off(ctx, fd);
  close(fd);
  return error;
}
