/* Directories, links and nodes inside the new root, and kernel parameters. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int run_mkdir(struct context *ctx, const struct op_mkdir *op) {
  int fd, error = walk_create(ctx, op->path, true, (uint32_t)op->mode, &fd);
  if (!error) close(fd);
  return error;
}

int run_symlink(struct context *ctx, const struct op_symlink *op) {
  const char *name;
  int dir, error = walk_parent(ctx, op->path, &dir, &name);
  if (error) return error;
  if (symlinkat(op->text, dir, name) != 0 && errno != EEXIST) error = errno;
  close(dir);
  return error;
}

static bool is_node(int fd, const char *name, mode_t type, dev_t device) {
  struct stat stat;
  if (fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)) != 0) return false;
  return (stat.st_mode & S_IFMT) == type && (type == S_IFIFO || stat.st_rdev == device);
}

int run_device(struct context *ctx, const struct op_device *op) {
  const char *name;
  dev_t device = makedev((unsigned)op->major, (unsigned)op->minor);
  int dir, error = walk_parent(ctx, op->path, &dir, &name);
  if (error) return error;
  if (mknodat(dir, name, (mode_t)(op->type | op->mode), device) != 0 && !(errno == EEXIST && is_node(dir, name, (mode_t)op->type, device)))
    error = errno;
  /* AT_SYMLINK_NOFOLLOW is not known to fchmodat(2) everywhere, so the mode is set through the node's own descriptor. */
  int node = error ? -1 : openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  char path[FD_PATH];
  if (!error && (node < 0 || !is_node(node, "", (mode_t)op->type, device))) error = ESTALE;
  if (!error && fchownat(node, "", (uid_t)op->uid, (gid_t)op->gid, AT_EMPTY_PATH) != 0) error = errno;
  if (!error && chmod(fd_path(path, node), (mode_t)op->mode) != 0) error = errno;
  if (node >= 0) close(node);
  close(dir);
  return error;
}

/* Where mknod(2) is refused: the host's node of the same numbers, bound. */
int run_device_bind(struct context *ctx, const struct op_device_bind *op) {
  char from[FD_PATH], to[FD_PATH];
  int node = open(op->source, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (node < 0) return errno;
  if (!is_node(node, "", (mode_t)op->type, makedev((unsigned)op->major, (unsigned)op->minor))) {
    close(node);
    return ENODEV;
  }
  int target = -1, error = walk_create(ctx, op->path, false, 0666, &target);
  int tree = error ? -1 : sys_open_tree(node, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  if (!error && (tree < 0 || sys_move_mount(tree, target) != 0)) {
    bool fall_back = errno == ENOSYS;
    error = errno;
    if (fall_back) error = mount(fd_path(from, node), fd_path(to, target), NULL, MS_BIND, NULL) == 0 ? 0 : errno;
  }
  if (tree >= 0) close(tree);
  if (target >= 0) close(target);
  close(node);
  return error;
}

/* A proc of our own that is mounted nowhere, so no image and no mask can stand in the way. */
int private_proc(void) {
  int context = sys_fsopen("proc");
  if (context < 0) return -1;
  int fd = sys_fsmount(context, 0);
  close(context);
  return fd;
}

int run_sysctl(struct context *ctx, const struct op_sysctl *op) {
  int error = 0, proc = private_proc();
  if (proc < 0) proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int sys = proc < 0 ? -1 : sys_openat2(proc, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);
  int fd = sys < 0 ? -1 : sys_openat2(sys, op->key, O_WRONLY | O_CLOEXEC, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
  if (fd < 0 || write(fd, op->value, strlen(op->value)) < 0) error = errno;
  if (fd >= 0) close(fd);
  if (sys >= 0) close(sys);
  if (proc >= 0) close(proc);
  return error;
}
