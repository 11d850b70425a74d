/* Trees that somebody hostile may have written: descriptors instead of paths, and what Node has no names for. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "usnea.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

enum { NO_XDEV = 0x01, NO_MAGICLINKS = 0x02, NO_SYMLINKS = 0x04, BENEATH = 0x08 };

static int open_with(int dir, const char *path, uint64_t flags, uint64_t resolve) {
  const struct { uint64_t flags, mode, resolve; } how = {flags | O_CLOEXEC, 0, resolve};
  int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
  return fd < 0 ? -errno : fd;
}

int usnea_open_directory(const char *path) {
  return open_with(AT_FDCWD, path, O_PATH | O_DIRECTORY, NO_MAGICLINKS | NO_SYMLINKS);
}

int usnea_open_beneath(int dir, const char *path, uint32_t flags) {
  return open_with(dir, path, flags | (flags & O_PATH ? 0 : O_NONBLOCK), NO_XDEV | NO_MAGICLINKS | NO_SYMLINKS | BENEATH);
}

int usnea_list_xattrs(const char *path, void *names, uint32_t size) {
  ssize_t length = llistxattr(path, names, size);
  return length < 0 ? -errno : (int)length;
}

int usnea_get_xattr(const char *path, const char *name, void *value, uint32_t size) {
  ssize_t length = lgetxattr(path, name, value, size);
  return length < 0 ? -errno : (int)length;
}

int usnea_set_xattr(const char *path, const char *name, const void *value, uint32_t size) {
  return lsetxattr(path, name, value, size, 0) == 0 ? 0 : -errno;
}

int usnea_remove_xattr(const char *path, const char *name) { return lremovexattr(path, name) == 0 ? 0 : -errno; }

int usnea_sync_file_system(int fd) { return syncfs(fd) == 0 ? 0 : -errno; }

int64_t usnea_seek_data(int fd, int64_t from) {
  off_t at = lseek(fd, from, SEEK_DATA);
  return at < 0 ? -errno : at;
}

int usnea_rename(const char *from, const char *to, uint32_t flags) {
  return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags) == 0 ? 0 : -errno;
}
