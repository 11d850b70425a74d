/* Locks, fifos and detached mounts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "usnea.h"

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

int usnea_map_tree(int tree, int userns, int recursive) {
  const struct { uint64_t set, clear, propagation, userns; } attr = {0x100000 /* MOUNT_ATTR_IDMAP */, 0, 0, (uint64_t)userns};
  unsigned flags = AT_EMPTY_PATH | (recursive ? 0x8000u /* AT_RECURSIVE */ : 0);
  return syscall(SYS_mount_setattr, tree, "", flags, &attr, sizeof attr) == 0 ? 0 : -errno;
}

int usnea_flock(int fd, int operation) { return flock(fd, operation) == 0 ? 0 : -errno; }

int usnea_mkfifo(const char *path, uint32_t mode) { return mkfifo(path, mode) == 0 ? 0 : -errno; }

int usnea_copy_tree(const char *path) {
  int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}
