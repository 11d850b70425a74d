/* What a sandbox keeps from its command inside of paths that it may write to: things that run later, outside. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ATTR_MOUNT_ROOT 0x2000u /* statx(2), Linux 5.8; before it a path is held twice */
#define PROC_MAGIC 0x9fa0
enum { MAX_LINKS = 40 };

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

static bool is_link(int fd) {
  struct stat stat;
  return fstat(fd, &stat) == 0 && S_ISLNK(stat.st_mode);
}

/* Can the command give the name to something else? Not where a mount lies on it, nor on a read-only mount, nor in a proc. */
static bool may_be_replaced(int fd) {
  struct statx about;
  struct statfs where;
  struct statvfs mount;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, &about) == 0 && about.stx_attributes & ATTR_MOUNT_ROOT) return false;
  if (fstatfs(fd, &where) == 0 && where.f_type == PROC_MAGIC) return false;
  return fstatvfs(fd, &mount) != 0 || !(mount.f_flag & ST_RDONLY);
}

/* Only a directory may stay writable: what else is on the way, such as a `.git` that is a file, leads elsewhere by its content. */
static int hold_in_place(struct context *ctx, const char *path, int fd, bool writable) {
  bool detached;
  int tree = copy_tree(fd, "", true, AT_EMPTY_PATH, &detached);
  int error = tree < 0 ? errno : cover(ctx, path, fd, tree, detached, writable && is_directory(fd));
  if (tree >= 0) close(tree);
  return error;
}

/* Replaces the link way[start..end) by what it points to. Returns where to go on, or PATH_MAX. */
static size_t follow(char *way, size_t start, size_t end, int link) {
  char target[PATH_MAX], whole[2 * PATH_MAX];
  ssize_t length = readlinkat(link, "", target, sizeof target - 1);
  if (length < 0) return PATH_MAX;
  target[length] = '\0';
  size_t from = target[0] == '/' ? 0 : start;
  int size = snprintf(whole, sizeof whole, "%.*s%s%s", (int)from, way, target, way + end);
  if (size < 0 || size >= PATH_MAX) return PATH_MAX;
  memcpy(way, whole, (size_t)size + 1);
  return from;
}

/* The same for a path with links in it: each of them, and every directory that it leads through, or another end would be found. */
static int hold_way(struct context *ctx, const char *path, bool writable) {
  char way[PATH_MAX];
  if (strlen(path) >= sizeof way) return ENAMETOOLONG;
  strcpy(way, path);
  int links = 0;
  for (size_t end = 0;;) {
    size_t start = end + strspn(way + end, "/");
    end = start + strcspn(way + start, "/");
    if (end == start) return 0;
    bool last = way[end + strspn(way + end, "/")] == '\0';
    char kept = way[end];
    way[end] = '\0';
    int fd, error = walk(ctx, way, WALK_NO_SYMLINKS | WALK_NOFOLLOW, &fd);
    if (error) return error == ENOENT || error == ENOTDIR ? 0 : report_weaker(ctx);
    bool is_dots = strcmp(way + start, "..") == 0 || strcmp(way + start, ".") == 0;
    bool link = is_link(fd);
    if (!is_dots && may_be_replaced(fd) && hold_in_place(ctx, way, fd, writable || !last || link)) error = report_weaker(ctx);
    way[end] = kept;
    if (!error && link && (links++ == MAX_LINKS || (end = follow(way, start, end, fd)) == PATH_MAX)) error = ELOOP;
    close(fd);
    if (error) return error == ELOOP ? report_weaker(ctx) : error;
  }
}

/*
 * A mount of the path on itself. As a mount point it can be neither renamed nor removed in there; `writable` leaves it at
 * that, for the directories on the way. What is missing is no failure, nothing is ever made on the host.
 */
int run_protect(struct context *ctx, const struct op_protect *op) {
  int fd, error = walk(ctx, op->path, WALK_NO_SYMLINKS | WALK_NOFOLLOW, &fd);
  if (error == ENOENT || error == ENOTDIR) return 0;
  if (error == ELOOP) return hold_way(ctx, op->path, op->writable);
  if (error) return error;
  error = is_link(fd) ? hold_way(ctx, op->path, op->writable) : hold_in_place(ctx, op->path, fd, op->writable);
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
