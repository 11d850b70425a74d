/* What a sandbox keeps from its command inside of paths that it may write to: things that run later, outside. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

/* Lays `tree` over the target; read-only where there is no mount_setattr(2) too. */
static int cover(struct context *ctx, const char *target, int fd, int tree, bool detached, bool writable) {
  const struct attr attr = {.set = MOUNT_ATTR_RDONLY};
  int again, error = writable || !detached ? 0 : set_attr(tree, &attr, true);
  if (error == ENOSYS) error = 0, detached = false;
  if (!error) error = attach(tree, fd, true, detached);
  if (error || writable || detached) return error;
  error = walk(ctx, target, WALK_NO_SYMLINKS, &again);
  if (error) return error;
  error = remount(again, &attr);
  close(again);
  return error;
}

/*
 * A mount of the path on itself. As a mount point it can be neither renamed nor removed in there; `writable` leaves it at
 * that, for the directories on the way. What is missing is no failure, nothing is ever made on the host; a link is told,
 * because it can be replaced whatever it points to.
 */
int run_protect(struct context *ctx, const struct op_protect *op) {
  bool detached;
  int fd, error = walk(ctx, op->path, WALK_NO_SYMLINKS, &fd);
  if (error == ENOENT || error == ENOTDIR) return 0;
  if (error == ELOOP) return report_weaker(ctx);
  if (error) return error;
  int tree = copy_tree(fd, "", true, AT_EMPTY_PATH, &detached);
  error = tree < 0 ? errno : cover(ctx, op->path, fd, tree, detached, op->writable);
  if (tree >= 0) close(tree);
  close(fd);
  return error;
}

/* A file without any permission, from our own /dev: there it has no name any more when the program runs. */
static int deny_file(struct context *ctx, const char *target, int fd) {
  const char *name = ".closed";
  bool detached;
  int dir, error = walk(ctx, "/dev", WALK_NO_SYMLINKS, &dir);
  if (error) return error;
  int file = openat(dir, name, O_CREAT | O_EXCL | O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
  int tree = file < 0 ? -1 : copy_tree(dir, name, false, 0, &detached);
  error = tree < 0 ? errno : cover(ctx, target, fd, tree, detached, false);
  if (tree >= 0) close(tree);
  if (file >= 0) close(file), unlinkat(dir, name, 0);
  close(dir);
  return error;
}

/* The command owns what it covers, but it can change no mode on a read-only mount, and has no capability to pass one by. */
int run_deny(struct context *ctx, const struct op_deny *op) {
  char path[FD_PATH];
  int fd, error = walk(ctx, op->path, 0, &fd);
  if (error) return error;
  if (!is_directory(fd)) error = deny_file(ctx, op->path, fd);
  else if (mount("usnea", fd_path(path, fd), "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k,nr_inodes=2,mode=000"))
    error = errno;
  close(fd);
  return error;
}
