/*
 * Copies what lies below one directory into an empty one, for tmpcopyup. The source is an image and hostile: no link is
 * followed, no mount is crossed, no device is taken along, and memory does not grow with the tree.
 */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Three descriptors a level: this stays below the usual limit of 1024. Links beyond the table become copies. */
enum { MAX_DEPTH = 256, MAX_LINKED = 1024 };

struct linked {
  dev_t device;
  ino_t inode;
  char *path;
};

struct copier {
  int top;
  unsigned depth, count;
  bool lossy;
  size_t length;
  char path[PATH_MAX]; /* below the top; names the place of a failure */
  struct linked linked[MAX_LINKED];
};

static int copy_directory(struct copier *c, int from, int to);

static char bytes[1 << 16]; /* file contents and values of attributes: XATTR_SIZE_MAX is as large */
static char names[1 << 16]; /* XATTR_LIST_MAX */

static int write_all_at(int fd, const char *from, size_t size, off_t at) {
  for (size_t done = 0; done < size;) {
    ssize_t wrote = pwrite(fd, from + done, size - done, at + (off_t)done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    done += (size_t)wrote;
  }
  return 0;
}

static int copy_range(int from, int to, off_t at, off_t end) {
  while (at < end) {
    size_t want = end - at < (off_t)sizeof bytes ? (size_t)(end - at) : sizeof bytes;
    ssize_t got = pread(from, bytes, want, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0; /* it shrank */
    int error = write_all_at(to, bytes, (size_t)got, at);
    if (error) return error;
    at += got;
  }
  return 0;
}

/* Holes stay holes: a file of a terabyte with nothing in it must not fill the memory of the machine. */
static int copy_data(int from, int to, off_t size) {
  int error = ftruncate(to, size) == 0 ? 0 : errno;
  for (off_t at = 0; !error && at < size;) {
    off_t data = lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return 0;
    off_t hole = data < 0 ? size : lseek(from, data, SEEK_HOLE);
    if (hole < 0 || hole > size) hole = size;
    error = copy_range(from, to, data < 0 ? at : data, hole);
    at = hole;
  }
  return error;
}

/* Labels are not the image's to give. An access list that is lost leaves its mask in the group bits: those go too. */
static void copy_attributes(struct copier *c, const char *from, const char *to, mode_t *mode) {
  ssize_t size = listxattr(from, names, sizeof names);
  for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1) {
    const char *name = names + at;
    if (strcmp(name, "security.selinux") == 0 || strcmp(name, "security.apparmor") == 0) continue;
    ssize_t got = getxattr(from, name, bytes, sizeof bytes);
    if (got >= 0 && setxattr(to, name, bytes, (size_t)got, 0) == 0) continue;
    if (strcmp(name, "system.posix_acl_access") == 0) *mode &= ~(mode_t)070;
    c->lossy = true;
  }
}

/* Owner, attributes, mode, times, in this order: each later step would be undone by the one before. */
static int finish(struct copier *c, const struct stat *stat, int from, int to) {
  char source[FD_PATH], target[FD_PATH];
  mode_t mode = stat->st_mode & 07777;
  fd_path(source, from);
  fd_path(target, to);
  if (fchownat(to, "", stat->st_uid, stat->st_gid, AT_EMPTY_PATH) != 0) {
    if (errno != EPERM && errno != EINVAL) return errno;
    mode &= ~(mode_t)(S_ISUID | S_ISGID); /* it belongs to us now, and must not give away what we are */
    c->lossy = true;
  }
  copy_attributes(c, source, target, &mode);
  if (chmod(target, mode) != 0) return errno;
  const struct timespec times[] = {stat->st_atim, stat->st_mtim};
  return utimensat(AT_FDCWD, target, times, 0) == 0 ? 0 : errno;
}

/* True when an earlier name of the same file was copied: then it is linked and done. */
static bool link_earlier(struct copier *c, const struct stat *stat, int to, const char *name) {
  if (stat->st_nlink < 2) return false;
  for (unsigned i = 0; i < c->count; i++)
    if (c->linked[i].inode == stat->st_ino && c->linked[i].device == stat->st_dev)
      return linkat(c->top, c->linked[i].path, to, name, 0) == 0;
  if (c->count == MAX_LINKED) return false;
  char *path = strdup(c->path);
  if (path) c->linked[c->count++] = (struct linked){stat->st_dev, stat->st_ino, path};
  return false;
}

static int copy_file(struct copier *c, const struct stat *stat, int node, int to, const char *name) {
  char path[FD_PATH];
  if (link_earlier(c, stat, to, name)) return 0;
  int from = open(fd_path(path, node), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (from < 0) return errno;
  int copy = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int error = copy < 0 ? errno : copy_data(from, copy, stat->st_size);
  if (!error) error = finish(c, stat, node, copy);
  if (copy >= 0) close(copy);
  close(from);
  return error;
}

static int copy_link(struct copier *c, const struct stat *stat, int node, int to, const char *name) {
  char text[PATH_MAX];
  ssize_t length = readlinkat(node, "", text, sizeof text - 1);
  if (length < 0) return errno;
  text[length] = '\0';
  if (symlinkat(text, to, name) != 0) return errno;
  if (fchownat(to, name, stat->st_uid, stat->st_gid, AT_SYMLINK_NOFOLLOW) != 0) c->lossy = true;
  const struct timespec times[] = {stat->st_atim, stat->st_mtim};
  return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

static int copy_special(struct copier *c, const struct stat *stat, int node, int to, const char *name) {
  if (mknodat(to, name, (stat->st_mode & S_IFMT) | 0600, 0) != 0) return errno;
  int made = openat(to, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  int error = made < 0 ? errno : finish(c, stat, node, made);
  if (made >= 0) close(made);
  return error;
}

static int copy_below(struct copier *c, const struct stat *stat, int node, int to, const char *name) {
  if (c->depth == MAX_DEPTH) return ENAMETOOLONG;
  if (mkdirat(to, name, 0700) != 0) return errno;
  int from = openat(node, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int made = from < 0 ? -1 : openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int error = made < 0 ? errno : 0;
  c->depth++;
  if (!error) error = copy_directory(c, from, made); /* closes `from` */
  c->depth--;
  if (!error) error = finish(c, stat, node, made);
  if (made >= 0) close(made);
  return error;
}

/* What is mounted there is not the image's: a directory stays as a place for it, anything else is left out. */
static int skip_mount(int from, const char *name, int to) {
  struct stat stat;
  if (fstatat(from, name, &stat, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(stat.st_mode)) return 0;
  return mkdirat(to, name, 0755) == 0 ? 0 : errno;
}

static int copy_entry(struct copier *c, int from, const char *name, int to) {
  struct stat stat;
  int error = 0, node = sys_openat2(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
  if (node < 0) return errno == EXDEV ? skip_mount(from, name, to) : errno == ENOENT ? 0 : errno;
  if (fstat(node, &stat) != 0) error = errno;
  else if (S_ISDIR(stat.st_mode)) error = copy_below(c, &stat, node, to, name);
  else if (S_ISREG(stat.st_mode)) error = copy_file(c, &stat, node, to, name);
  else if (S_ISLNK(stat.st_mode)) error = copy_link(c, &stat, node, to, name);
  else if (S_ISFIFO(stat.st_mode) || S_ISSOCK(stat.st_mode)) error = copy_special(c, &stat, node, to, name);
  else c->lossy = true; /* in the image a device is dead, because its mount has nodev; on the tmpfs it would be the host's */
  close(node);
  return error;
}

static int copy_directory(struct copier *c, int from, int to) {
  DIR *dir = fdopendir(from);
  if (!dir) {
    close(from);
    return ENOMEM;
  }
  int error = 0;
  size_t length = c->length;
  for (struct dirent *entry; !error && (errno = 0, entry = readdir(dir));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    int size = snprintf(c->path + length, sizeof c->path - length, "%s%s", length ? "/" : "", entry->d_name);
    if (size < 0 || (size_t)size >= sizeof c->path - length) error = ENAMETOOLONG;
    c->length = length + (size_t)size;
    if (!error) error = copy_entry(c, from, entry->d_name, to);
    if (!error) c->length = length;
  }
  if (!error) error = errno;
  closedir(dir);
  return error;
}

int copy_content(int from, int to, bool *lossy) {
  struct copier *c = calloc(1, sizeof *c);
  if (!c) return ENOMEM;
  c->top = to;
  int directory = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = directory < 0 ? errno : copy_directory(c, directory, to);
  if (error) detail("at %.400s", c->path);
  *lossy = c->lossy;
  for (unsigned i = 0; i < c->count; i++) free(c->linked[i].path);
  free(c);
  return error;
}
