/* Leaves the host's root for good. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* pivot_root(2) with both names ".": the old root ends up on top of the new one, and is detached from there. */
static int pivot(int new_root) {
  int old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (old_root < 0) return errno;
  int error = fchdir(new_root) != 0 || sys_pivot_root(".", ".") != 0 ? errno : 0;
  if (!error && fchdir(old_root) != 0) error = errno;
  /* slave, so that the detaching below is not propagated to the host */
  if (!error && mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL) != 0) error = errno;
  if (!error && umount2(".", MNT_DETACH) != 0) error = errno;
  close(old_root);
  return error;
}

/*
 * Where the root is the initramfs, or pivot_root is forbidden: move the new root over the old one. The old root stays
 * beneath, so every proc and sysfs in it is taken away first, or covered where it is locked: the kernel would let anybody
 * with a user namespace mount a fresh one as long as an uncovered one is there. Capabilities to look under the new root
 * are the caller's to drop.
 */
static int hide(const char *path) {
  while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {} /* several may lie on top of each other */
  if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR) return 0;
  return mount("usnea", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k") == 0 ? 0 : errno;
}

static int move(int new_root, const struct string_list *hidden) {
  if (fchdir(new_root) != 0) return errno;
  for (uint64_t i = 0; i < hidden->count; i++) {
    int error = hide(hidden->items[i]);
    if (error) return error;
  }
  if (mount(".", "/", NULL, MS_MOVE, NULL) != 0) return errno;
  return chroot(".") == 0 ? 0 : errno;
}

static void forget_host(struct context *ctx) {
  const int host_side[] = {ctx->root, ctx->null, ctx->empty, ctx->last};
  for (size_t i = 0; i < sizeof host_side / sizeof *host_side; i++)
    if (host_side[i] >= 0) close(host_side[i]);
  ctx->root = ctx->null = ctx->empty = ctx->last = -1;
}

enum { PIVOT_OR_MOVE, MOVE, PIVOT };

/* The way over MS_MOVE is for those only who cannot take the cover off again: the plan knows their capabilities. */
int run_pivot(struct context *ctx, const struct op_pivot *op) {
  int error = op->way == MOVE ? move(ctx->root, op->hidden) : pivot(ctx->root);
  if (op->way == PIVOT_OR_MOVE && (error == EINVAL || error == EPERM || error == ENOSYS)) {
    error = move(ctx->root, op->hidden);
    if (!error) error = report_weaker(ctx);
  }
  forget_host(ctx);
  if (!error && chdir("/") != 0) error = errno;
  return error;
}

/* In a mount namespace that is not the container's own nothing is mounted: its root is only where the program begins. */
int run_chroot(struct context *ctx, const struct op_chroot *op) {
  struct stat stat;
  int fd = sys_openat2(AT_FDCWD, op->path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  if (fd < 0) return errno == ELOOP ? ESTALE : errno;
  int error = fstat(fd, &stat) != 0 ? errno : stat.st_dev != op->dev || stat.st_ino != op->ino ? ESTALE : 0;
  if (!error && (fchdir(fd) != 0 || chroot(".") != 0)) error = errno;
  close(fd);
  forget_host(ctx);
  return error;
}
