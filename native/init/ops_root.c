/* The new root: a directory of the host that becomes a mount of our own, and its attributes once we are in it. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* A copy of the bundle's root on top of itself. The path was checked by the parent; a swap since then shows. */
static int cover(const char *path, uint64_t dev, uint64_t ino, int *root) {
  struct stat stat;
  bool detached;
  int fd = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  if (fd < 0) return errno == ELOOP ? ESTALE : errno;
  if (fstat(fd, &stat) != 0) return errno;
  if (stat.st_dev != dev || stat.st_ino != ino) return ESTALE;
  int tree = copy_tree(fd, "", true, AT_EMPTY_PATH, &detached);
  if (tree < 0) return errno;
  int error = attach(tree, fd, true, detached);
  if (error) return error;
  close(fd);
  *root = detached ? tree : sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  if (*root < 0 || fstat(*root, &stat) != 0) return errno;
  return stat.st_dev == dev && stat.st_ino == ino ? 0 : ESTALE;
}

int run_root(struct context *ctx, const struct op_root *op) { return cover(op->path, op->dev, op->ino, &ctx->root); }

/* For a program that makes a container itself (criu), and wants its root to be a mount. */
int run_cover_root(struct context *ctx, const struct op_cover_root *op) {
  int root = -1, error = cover(op->path, op->dev, op->ino, &root);
  if (root >= 0) close(root);
  return error;
}

/* `root-here`: no new root. The mount namespace is already a copy of our own, and nothing of it can be unmounted inside. */
int run_root_here(struct context *ctx, const struct op_root_here *op) {
  ctx->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return ctx->root < 0 ? errno : 0;
}

/* `root-scratch`: an empty tmpfs over a directory that no source lies under. */
int run_root_scratch(struct context *ctx, const struct op_root_scratch *op) {
  if (mount("usnea", op->path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) return errno;
  ctx->root = open(op->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return ctx->root < 0 ? errno : 0;
}

int run_root_attr(struct context *ctx, const struct op_root_attr *op) {
  const struct attr attr = {.set = op->set};
  int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = op->set ? set_attr(fd, &attr, false) : 0;
  close(fd);
  if (!error && op->propagation && mount(NULL, "/", NULL, op->propagation, NULL) != 0) error = errno;
  return error;
}
