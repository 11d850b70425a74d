/* Labels that a security module gives the program when it is executed, its keys and its mounts: proc_pid_attr(5). */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { PROC_MAGIC = 0x9fa0 };

/*
 * Through a proc that no image can have forged: one of our own that is mounted nowhere, or, where the kernel refuses
 * that, what is at /proc if it is a proc and nothing is mounted over the file (CVE-2019-16884, CVE-2025-52881).
 */
static int open_attribute(const char *name) {
  char path[64];
  struct statfs fs;
  int proc = private_proc();
  if (proc < 0) proc = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (proc < 0) return -1;
  if (fstatfs(proc, &fs) != 0 || fs.f_type != PROC_MAGIC) {
    close(proc);
    errno = ENOENT;
    return -1;
  }
  snprintf(path, sizeof path, "%d/attr/%s", (int)getpid(), name);
  int fd = sys_openat2(proc, path, O_WRONLY | O_CLOEXEC, RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH);
  int error = errno;
  close(proc);
  errno = error;
  return fd;
}

static int write_attribute(const char *name, const char *text) {
  int fd = open_attribute(name);
  if (fd < 0) return errno;
  int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
  close(fd);
  return error;
}

/* Before 5.8 AppArmor had no file of its own. */
int run_apparmor(struct context *ctx, const struct op_apparmor *op) {
  char text[4096];
  int size = snprintf(text, sizeof text, "exec %s", op->profile);
  if (size < 0 || size >= (int)sizeof text) return ENAMETOOLONG;
  int error = write_attribute("apparmor/exec", text);
  return error == ENOENT ? write_attribute("exec", text) : error;
}

int run_selinux(struct context *ctx, const struct op_selinux *op) { return write_attribute("exec", op->label); }

/*
 * A session keyring of its own: the caller's keys are none of the container's. Never fatal: the quota of keys is small,
 * outer filters refuse the call, and a kernel may have no keys at all. keyctl_join_session_keyring(3). With the label of
 * the caller the container could not see it; the label for keys is forgotten when the program is executed.
 */
int run_keyring(struct context *ctx, const struct op_keyring *op) {
  int error = *op->label ? write_attribute("keycreate", op->label) : 0;
  if (error) return error;
  if (syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL) >= 0 || errno == ENOSYS) return 0;
  return report_weaker(ctx);
}

/* For mounts that know no `context=`. */
int run_label(struct context *ctx, const struct op_label *op) {
  char path[FD_PATH];
  int fd, error = find_mount(ctx, op->target, &fd);
  if (error) return error;
  if (setxattr(fd_path(path, fd), "security.selinux", op->label, strlen(op->label) + 1, 0) != 0) error = errno;
  close(fd);
  return error;
}
