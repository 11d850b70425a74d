/*
 * An overlay in a user namespace. Kernels before 5.11 have none there, and some file systems cannot hold the upper layer
 * of one. Then a program of our parent's serves the same over FUSE: outside of the container, which has only the mount.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_refusal(int error) {
  return error == EPERM || error == EINVAL || error == EOPNOTSUPP || error == ENODEV;
}

static int send_file(struct context *ctx, const char *path, int flags, struct frame frame) {
  int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0) {
    detail("%s", path);
    return errno;
  }
  int error = send_descriptor(ctx->control, frame, NULL, fd);
  close(fd);
  return error;
}

/*
 * In the user namespace that the mount will belong to: the kernel compares them. And before the cgroup, whose rules of
 * devices need not know this one. Without it there is only the kernel's overlay.
 */
int run_hold_fuse(struct context *ctx, const struct op_hold_fuse *op) {
  if (op->slot >= HOLD_SLOTS) return EINVAL;
  ctx->held[op->slot] = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  return 0;
}

static int make_fuse(const struct op_overlay *op, int device, int *tree) {
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other", device);
  return make_filesystem(&(struct filesystem){"fuse", "fuse-overlayfs", options, op->attr}, tree);
}

/* Ours must not stay open: with the last one of the program's the mount is over, and says so instead of hanging. */
static int ask_for_service(struct context *ctx, int device, int refusal) {
  const struct op_wait served = {.message = MESSAGE_overlay_served};
  int error = send_file(ctx, "/proc/self/ns/user", O_RDONLY, (struct frame){MESSAGE_userns_held, 0, (int32_t)ctx->at, 0});
  struct frame frame = {MESSAGE_overlay_refused, 0, (int32_t)ctx->at, refusal};
  if (!error) error = send_descriptor(ctx->control, frame, NULL, device);
  return error ? error : run_wait(ctx, &served);
}

static int serve(struct context *ctx, const struct op_overlay *op, int refusal) {
  struct stat stat;
  int tree = -1, target, device = op->slot < HOLD_SLOTS ? ctx->held[op->slot] : -1;
  if (device < 0) return refusal;
  ctx->held[op->slot] = -1;
  int error = make_fuse(op, device, &tree);
  if (!error) error = ask_for_service(ctx, device, refusal);
  close(device);
  if (!error && fstat(tree, &stat) != 0) error = errno; /* waits for its first answer */
  if (error) {
    detail("fuse-overlayfs");
    return error;
  }
  error = walk_create(ctx, op->target, true, 0755, &target);
  if (error) return error;
  if (!is_directory(target)) error = ENOTDIR;
  if (!error && leads_astray(target, op->target)) error = ELOOP;
  if (!error && sys_move_mount(tree, target) != 0) error = errno;
  close(target);
  remember(ctx, tree, op->target);
  return error;
}

int run_overlay(struct context *ctx, const struct op_overlay *op) {
  const struct op_mount mount = {
      .fstype = "overlay", .source = op->source, .target = op->target, .flags = op->flags, .data = op->data};
  int error = run_mount(ctx, &mount);
  return *op->program && is_refusal(error) ? serve(ctx, op, error) : error;
}
