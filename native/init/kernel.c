#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Numbers are the same on every architecture for calls after 5.1 (unified table). */
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t resolve) {
  struct { uint64_t flags, mode, resolve; } how = {flags, 0, resolve};
  for (int tries = 0;; tries++) { /* EAGAIN: a rename raced with us, openat2(2) */
    int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || tries == 64) return fd;
  }
}

int sys_open_tree(int dir, const char *path, unsigned flags) {
  return (int)syscall(SYS_open_tree, dir, path, flags | O_CLOEXEC);
}

/* Both ends by descriptor only: F_EMPTY_PATH | T_EMPTY_PATH. */
int sys_move_mount(int from, int to) {
  return (int)syscall(SYS_move_mount, from, "", to, "", 0x04u | 0x40u);
}

int sys_mount_setattr(int fd, unsigned flags, const struct attr *attr) {
  return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, attr, sizeof *attr);
}

int sys_pivot_root(const char *new_root, const char *old_root) {
  return (int)syscall(SYS_pivot_root, new_root, old_root);
}

/* Before 5.9 there is no close_range(2): walk our own descriptors. */
static int close_each(unsigned first, unsigned last, unsigned flags) {
  DIR *dir = opendir("/proc/self/fd");
  if (!dir) return -1;
  for (struct dirent *entry; (entry = readdir(dir));) {
    long fd = strtol(entry->d_name, NULL, 10);
    if (entry->d_name[0] == '.' || fd == dirfd(dir) || fd < (long)first || fd > (long)last) continue;
    if (flags & CLOSE_RANGE_CLOEXEC) fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    else close((int)fd);
  }
  closedir(dir);
  return 0;
}

int sys_close_range(unsigned first, unsigned last, unsigned flags) {
  long got = syscall(SYS_close_range, first, last, flags);
  if (got == 0 || (errno != ENOSYS && errno != EINVAL && errno != EPERM)) return (int)got;
  return close_each(first, last, flags);
}

/* A fork with namespaces. Same argument order on x86-64 and arm64 as long as only the flags are given. */
int sys_clone(uint64_t flags) {
  return (int)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

int sys_fsopen(const char *fstype) { return (int)syscall(SYS_fsopen, fstype, 1u /* FSOPEN_CLOEXEC */); }

int sys_fsconfig(int context, unsigned command, const char *key, const char *value) {
  return (int)syscall(SYS_fsconfig, context, command, key, value, 0);
}

int sys_fsmount(int context, unsigned attr) {
  if (sys_fsconfig(context, 6u /* FSCONFIG_CMD_CREATE */, NULL, NULL) != 0) return -1;
  return (int)syscall(SYS_fsmount, context, 1u /* FSMOUNT_CLOEXEC */, attr);
}
