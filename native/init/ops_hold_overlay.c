/* An overlay over a directory of the host, mounted nowhere yet, so that what covers its parts later does not matter. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FSCONFIG_FLAG = 0, FSCONFIG_STRING = 1, ATTR_NOSUID_NODEV = 2 | 4 };

/* By descriptor: no link put there since is followed, and no colon or comma in a name is taken for a separator. */
static int set_directory(int context, const char *key, const char *path) {
  char text[FD_PATH];
  int fd = sys_openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  int error = fd < 0 ? (errno == ELOOP ? ESTALE : errno) : 0;
  if (!error && sys_fsconfig(context, FSCONFIG_STRING, key, fd_path(text, fd)) != 0) error = errno;
  /* Before 6.5 the paths are read when the file system is made, so the descriptor stays; it is close-on-exec. */
  if (error) detail("%s", key);
  return error;
}

/*
 * Without metacopy and index what lies in the upper directory is complete by itself. Volatile (Linux 5.10): else every file
 * that is copied up is waited for until it is on disk. Whoever keeps the layer brings all of it there at the end.
 */
static int configure(int context, const struct op_hold_overlay *op) {
  int error = set_directory(context, "lowerdir", op->lower);
  if (!error) error = set_directory(context, "upperdir", op->upper);
  if (!error) error = set_directory(context, "workdir", op->work);
  if (!error && sys_fsconfig(context, FSCONFIG_FLAG, "userxattr", NULL) != 0) error = errno;
  if (!error && sys_fsconfig(context, FSCONFIG_STRING, "metacopy", "off") != 0) error = errno;
  if (!error && sys_fsconfig(context, FSCONFIG_STRING, "index", "off") != 0) error = errno;
  if (!error && sys_fsconfig(context, FSCONFIG_FLAG, "volatile", NULL) != 0) error = errno;
  return error;
}

int run_hold_overlay(struct context *ctx, const struct op_hold_overlay *op) {
  if (op->slot >= HOLD_SLOTS) return EINVAL;
  int context = sys_fsopen("overlay");
  if (context < 0) return errno;
  int error = configure(context, op);
  int fd = error ? -1 : sys_fsmount(context, ATTR_NOSUID_NODEV);
  if (!error && fd < 0) error = errno;
  close(context);
  if (!error) ctx->held[op->slot] = fd;
  return error;
}
