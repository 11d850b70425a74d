/* Leaves the host's root for good. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
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
 * beneath, so the host's proc and sys in it are covered first; capabilities to look under it are the caller's to drop.
 */
static int cover_old_root(void) {
  static const char *const gates[] = {"/proc", "/sys"};
  for (size_t i = 0; i < sizeof gates / sizeof *gates; i++) {
    if (umount2(gates[i], MNT_DETACH) == 0 || errno == ENOENT) continue;
    if (mount("usnea", gates[i], "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k") != 0) return errno;
  }
  return 0;
}

static int move(int new_root) {
  if (fchdir(new_root) != 0) return errno;
  int error = cover_old_root();
  if (error) return error;
  if (mount(".", "/", NULL, MS_MOVE, NULL) != 0) return errno;
  return chroot(".") == 0 ? 0 : errno;
}

enum { PIVOT_OR_MOVE, MOVE, PIVOT };

/* The way over MS_MOVE is for those only who cannot take the cover off again: the plan knows their capabilities. */
int run_pivot(struct context *ctx, const struct op_pivot *op) {
  int error = op->way == MOVE ? move(ctx->root) : pivot(ctx->root);
  if (op->way == PIVOT_OR_MOVE && (error == EINVAL || error == EPERM || error == ENOSYS)) {
    error = move(ctx->root);
    if (!error) error = report_weaker(ctx);
  }
  const int host_side[] = {ctx->root, ctx->null, ctx->empty, ctx->last};
  for (size_t i = 0; i < sizeof host_side / sizeof *host_side; i++)
    if (host_side[i] >= 0) close(host_side[i]);
  ctx->root = ctx->null = ctx->empty = ctx->last = -1;
  if (!error && chdir("/") != 0) error = errno;
  return error;
}
