/* A file with a text of ours, shown over one that is there; nothing of it can be reached by another name. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define NAME "text"

static int write_text(int dir, const char *text) {
  int fd = openat(dir, NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (fd < 0) return errno;
  size_t size = strlen(text);
  int error = write(fd, text, size) == (ssize_t)size ? 0 : errno ? errno : EIO;
  close(fd);
  return error;
}

/* Only what is mounted somewhere can be copied before 6.15, so it lies over `place` for a moment. */
static int copy_of_file(const struct context *ctx, const char *place, int dir, int *tree) {
  char path[FD_PATH];
  int target, error = walk(ctx, place, 0, &target);
  if (error) return error;
  if (sys_move_mount(dir, target) != 0) error = errno;
  close(target);
  if (error) return error;
  *tree = sys_open_tree(dir, NAME, OPEN_TREE_CLONE | O_CLOEXEC);
  if (*tree < 0) error = errno;
  if (umount2(fd_path(path, dir), MNT_DETACH) != 0 && !error) error = errno;
  return error;
}

int run_show_text(struct context *ctx, const struct op_show_text *op) {
  const struct attr attr = {.set = MOUNT_ATTR_RDONLY};
  int dir = -1, tree = -1, target = -1;
  int context = sys_fsopen("tmpfs");
  if (context < 0) return errno;
  int error = sys_fsconfig(context, 1 /* FSCONFIG_SET_STRING */, "size", "64k") != 0 ? errno : 0;
  if (!error && (dir = sys_fsmount(context, 0xe /* nosuid, nodev, noexec */)) < 0) error = errno;
  close(context);
  if (!error) error = write_text(dir, op->text);
  if (!error) error = copy_of_file(ctx, op->place, dir, &tree);
  if (!error) error = set_attr(tree, &attr, false);
  if (!error) error = walk(ctx, op->target, 0, &target);
  if (!error && sys_move_mount(tree, target) != 0) error = errno;
  if (dir >= 0) close(dir);
  if (tree >= 0) close(tree);
  if (target >= 0) close(target);
  return error;
}
