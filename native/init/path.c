/*
 * Every path of the container is walked by the kernel inside the new root (openat2 with RESOLVE_IN_ROOT), so neither a
 * symbolic link nor `..` in an image can lead outside. What comes back is a descriptor, and later steps use only that.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINKS = 40 };

const char *fd_path(char *buffer, int fd) {
  snprintf(buffer, FD_PATH, "/proc/self/fd/%d", fd);
  return buffer;
}

static int open_inside(const struct context *ctx, const char *path, uint64_t flags, unsigned how) {
  uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (how & WALK_NO_SYMLINKS ? RESOLVE_NO_SYMLINKS : 0);
  uint64_t follow = how & WALK_NOFOLLOW ? O_NOFOLLOW : 0;
  return sys_openat2(ctx->root, *path ? path : ".", flags | O_PATH | O_CLOEXEC | follow, resolve);
}

int walk(const struct context *ctx, const char *path, unsigned how, int *fd) {
  *fd = open_inside(ctx, path, 0, how);
  return *fd < 0 ? errno : 0;
}

/* Makes one missing component. A dangling link in the way is not followed here: the caller splices its text in. */
static int make_component(int dir, const char *name, bool directory, uint32_t mode) {
  if (directory) return mkdirat(dir, name, mode) == 0 ? 0 : errno;
  int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

/* Replaces the dangling link path[0..end) by what it points to; the rest of the path stays. */
static int splice_link(char *path, size_t start, size_t end, int dir) {
  char target[PATH_MAX], whole[2 * PATH_MAX], name[NAME_MAX + 1];
  snprintf(name, sizeof name, "%.*s", (int)(end - start), path + start);
  ssize_t length = readlinkat(dir, name, target, sizeof target - 1);
  if (length < 0) return errno;
  target[length] = '\0';
  int prefix = target[0] == '/' ? 0 : (int)start;
  int size = snprintf(whole, sizeof whole, "%.*s%s%s", prefix, path, target, path + end);
  if (size < 0 || size >= PATH_MAX) return ENAMETOOLONG;
  memcpy(path, whole, (size_t)size + 1);
  return 0;
}

/* Walks `path` and makes what is missing; `links` counts spliced links so that a loop ends. */
static int create_missing(const struct context *ctx, char *path, bool directory, uint32_t mode) {
  int links = 0;
restart:;
  int dir = open_inside(ctx, "/", O_DIRECTORY, 0), error = dir < 0 ? errno : 0;
  for (size_t end = 0; !error && path[end];) {
    size_t start = end + strspn(path + end, "/");
    end = start + strcspn(path + start, "/");
    if (end == start) break;
    bool last = path[end + strspn(path + end, "/")] == '\0';
    char kept = path[end];
    path[end] = '\0';
    int next = open_inside(ctx, path, 0, 0);
    if (next < 0 && errno == ENOENT) {
      error = make_component(dir, path + start, directory || !last, last ? mode : 0755);
      next = error ? -1 : open_inside(ctx, path, 0, WALK_NOFOLLOW);
      if (!error && next < 0) error = errno;
    } else if (next < 0) {
      error = errno;
    }
    path[end] = kept;
    if (error == EEXIST && links++ < MAX_LINKS) { /* a dangling link: make what it points to */
      error = splice_link(path, start, end, dir);
      close(dir);
      if (error) return error;
      goto restart;
    }
    close(dir);
    dir = next;
  }
  if (dir >= 0) close(dir);
  return error == EEXIST ? ELOOP : error;
}

int walk_create(const struct context *ctx, const char *path, bool directory, uint32_t mode, int *fd) {
  if (walk(ctx, path, 0, fd) == 0) return 0;
  if (errno != ENOENT) return errno;
  char copy[PATH_MAX];
  if (strlen(path) >= sizeof copy) return ENAMETOOLONG;
  strcpy(copy, path);
  int error = create_missing(ctx, copy, directory, mode);
  return error ? error : walk(ctx, path, 0, fd);
}

/* The directory of `path`, made when missing, and the last name in it. */
int walk_parent(const struct context *ctx, const char *path, int *dir, const char **name) {
  char copy[PATH_MAX];
  const char *slash = strrchr(path, '/');
  *name = slash ? slash + 1 : path;
  if (**name == '\0' || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) return EINVAL;
  size_t length = slash ? (size_t)(slash - path) : 0;
  if (length >= sizeof copy) return ENAMETOOLONG;
  memcpy(copy, path, length);
  copy[length] = '\0';
  return walk_create(ctx, copy, true, 0755, dir);
}
