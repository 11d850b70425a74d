/* What is hidden or made read-only after every mount that it may cover. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int open_null(struct context *ctx) {
  struct stat stat;
  if (ctx->null >= 0) return 0;
  ctx->null = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (ctx->null < 0 || fstat(ctx->null, &stat) != 0) return errno;
  return S_ISCHR(stat.st_mode) && stat.st_rdev == 0x103 ? 0 : ENODEV; /* 1:3 */
}

#define EMPTY "size=0k,nr_inodes=2,mode=0755"

/*
 * The first directory gets a tmpfs, all others copies of it: one each costs memory in every container. It is copied by
 * its own descriptor, because a second walk to its place could find something else there by then, and that would be shown
 * as empty from then on. It must be mounted before: up to 6.14 open_tree(2) copies nothing that is mounted nowhere.
 */
static int mask_directory(struct context *ctx, int fd) {
  char path[FD_PATH];
  bool detached;
  if (ctx->empty < 0) {
    const struct filesystem empty = {"tmpfs", "usnea", EMPTY, MOUNT_ATTR_RDONLY | 0xe /* NOSUID NODEV NOEXEC */};
    int error = make_filesystem(&empty, &ctx->empty);
    if (error == ENOSYS || error == EPERM) /* a filter hides fsopen(2): then it is one each */
      return mount("usnea", fd_path(path, fd), "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, EMPTY) ? errno : 0;
    if (!error && sys_move_mount(ctx->empty, fd) != 0) error = errno;
    return error;
  }
  int tree = copy_tree(ctx->empty, "", false, AT_EMPTY_PATH, &detached);
  int error = tree < 0 ? errno : attach(tree, fd, false, detached);
  if (tree >= 0) close(tree);
  return error;
}

/* Files get the host's own null device on top, directories an empty read-only tmpfs. Unless required, a missing path needs none. */
int run_mask(struct context *ctx, const struct op_mask *op) {
  bool detached;
  int fd, error = walk(ctx, op->path, 0, &fd);
  if (error && op->required) return error;
  if (error) return error == ENOENT || error == ENOTDIR ? 0 : error;
  if (is_directory(fd)) {
    error = mask_directory(ctx, fd);
  } else if (!(error = open_null(ctx))) {
    int tree = copy_tree(ctx->null, "", false, AT_EMPTY_PATH, &detached);
    error = tree < 0 ? errno : attach(tree, fd, false, detached);
    if (tree >= 0) close(tree);
  }
  close(fd);
  return error;
}

/* A read-only copy of the tree on top of itself, its children too. */
int run_readonly(struct context *ctx, const struct op_readonly *op) {
  const struct attr attr = {.set = MOUNT_ATTR_RDONLY};
  bool detached;
  int fd, error = walk(ctx, op->path, 0, &fd);
  if (error) return error == ENOENT || error == ENOTDIR ? 0 : error;
  int tree = copy_tree(fd, "", true, AT_EMPTY_PATH, &detached);
  if (tree < 0) error = errno;
  if (!error && detached) error = set_attr(tree, &attr, true);
  if (error == ENOSYS) error = 0, detached = false; /* 5.2 to 5.11: attach first, remount then */
  if (!error) error = attach(tree, fd, true, detached);
  if (!error && !detached) {
    close(fd);
    error = walk(ctx, op->path, 0, &fd);
    if (!error) error = remount(fd, &attr);
  }
  if (tree >= 0) close(tree);
  close(fd);
  return error;
}
