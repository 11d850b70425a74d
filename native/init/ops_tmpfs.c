/* A tmpfs on a directory of the root, as OCI runtimes make it: with that directory's mode and, if asked, its content. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Mounted nowhere yet: nobody can reach what is copied into it. */
static int make_tmpfs(const struct op_tmpfs *op, const char *mode, int *fd) {
  char options[4096];
  int size = snprintf(options, sizeof options, "%s%s", mode, op->data);
  if (size < 0 || size >= (int)sizeof options) return E2BIG;
  return make_filesystem(&(struct filesystem){"tmpfs", op->source, options, op->attr}, fd);
}

/* Before 5.2, or where a filter hides fsopen(2). MS_ and MOUNT_ATTR_ agree in RDONLY, NOSUID, NODEV and NOEXEC. */
static int mount_tmpfs(const struct op_tmpfs *op, const char *mode, int target) {
  char options[4096], path[FD_PATH];
  int size = snprintf(options, sizeof options, "%s%s", mode, op->data);
  if (size < 0 || size >= (int)sizeof options) return E2BIG;
  unsigned long flags = op->attr & 0xf;
  if (op->attr & 0x10) flags |= MS_NOATIME;
  if (op->attr & 0x20) flags |= MS_STRICTATIME;
  if (op->attr & 0x80) flags |= MS_NODIRATIME;
  return mount(op->source, fd_path(path, target), "tmpfs", flags, options) == 0 ? 0 : errno;
}

int run_tmpfs(struct context *ctx, const struct op_tmpfs *op) {
  char mode[16] = "";
  struct stat stat;
  int target = -1, fd = -1, error = walk(ctx, op->target, 0, &target);
  bool existed = !error, lossy = false;
  if (error) error = walk_create(ctx, op->target, true, 0755, &target);
  if (error) return error;
  if (leads_astray(target, op->target)) error = ELOOP;
  else if (fstat(target, &stat) != 0) error = errno;
  else if (!S_ISDIR(stat.st_mode)) error = ENOTDIR;
  else if (existed && op->inherit) snprintf(mode, sizeof mode, "mode=%o,", (unsigned)stat.st_mode & 07777);
  if (!error) error = make_tmpfs(op, mode, &fd);
  if (!error && op->copy && existed) error = copy_content(target, fd, &lossy);
  if (!error && sys_move_mount(fd, target) != 0) error = errno;
  if (fd < 0 && !op->copy && (error == ENOSYS || error == EPERM)) {
    error = mount_tmpfs(op, mode, target);
    if (!error) remember(ctx, -1, "");
  } else if (!error) {
    remember(ctx, fd, op->target);
    fd = -1;
  }
  if (fd >= 0) close(fd);
  close(target);
  return error || !lossy ? error : report_weaker(ctx);
}
