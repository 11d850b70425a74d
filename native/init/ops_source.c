/*
 * Sources of binds that are opened before their turn: with the powers of the host, which a user namespace does not have.
 * A detached copy of the tree, and for an id-mapped bind with its ids shown through the maps of a user namespace.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOUNT_ATTR_IDMAP 0x100000u

static int write_map(int process, const char *name, const char *text) {
  int fd = openat(process, name, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = write(fd, text, strlen(text)) < 0 ? errno : 0;
  close(fd);
  if (error) detail("write %s", name);
  return error;
}

/*
 * A user namespace that only carries maps. The child that lives in it for a moment shares our descriptors, because only
 * it can say which directory of this proc is its own: our pid namespace may be a newer one than the proc we see.
 */
static int make_userns(const char *uid_map, const char *gid_map, int *fd) {
  int ready[2], process = -1;
  if (pipe2(ready, O_CLOEXEC) != 0) return errno;
  int pid = sys_clone(CLONE_NEWUSER | CLONE_FILES);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    int own = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (write(ready[1], &own, sizeof own) == (ssize_t)sizeof own)
      for (;;) pause();
    _exit(1);
  }
  int error = pid < 0 ? errno : 0;
  if (!error && read(ready[0], &process, sizeof process) != (ssize_t)sizeof process) error = EIO;
  if (!error && process < 0) error = ENOENT;
  if (!error) error = write_map(process, "uid_map", uid_map);
  if (!error) error = write_map(process, "gid_map", gid_map);
  if (!error && (*fd = openat(process, "ns/user", O_RDONLY | O_CLOEXEC)) < 0) error = errno;
  if (pid > 0) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
  if (process >= 0) close(process);
  close(ready[0]);
  close(ready[1]);
  return error;
}

static int map_ids(int tree, const struct op_hold_source *op) {
  int userns = -1, error = *op->uid_map ? make_userns(op->uid_map, op->gid_map, &userns) : 0;
  const struct attr attr = {.set = MOUNT_ATTR_IDMAP, .userns_fd = *op->uid_map ? (uint64_t)userns : op->userns_fd};
  if (!error && sys_mount_setattr(tree, op->map_recursive ? AT_RECURSIVE_ : 0, &attr) != 0) {
    detail("mount_setattr");
    error = errno;
  }
  if (userns >= 0) close(userns);
  return error;
}

/*
 * The source is another mount of the container, so it is there only now, and we are in a user namespace that may not map
 * ids of the host's file systems. The parent may: the copy belongs to both of us, and to no mount namespace yet. No link
 * is followed, because what the image can point at would become the container's own.
 */
int run_map_source(struct context *ctx, const struct op_map_source *op) {
  bool detached;
  int path, error = op->slot >= HOLD_SLOTS ? EINVAL : walk(ctx, op->path, WALK_NO_SYMLINKS, &path);
  if (error) {
    detail("source");
    return error;
  }
  int tree = copy_tree(path, "", op->recursive, AT_EMPTY_PATH, &detached);
  if (tree < 0 || !detached) error = tree < 0 ? errno : ENOSYS;
  close(path);
  if (!error) error = send_descriptor(ctx->control, (struct frame){MESSAGE_tree_held, 0, (int32_t)ctx->at, 0}, NULL, tree);
  const struct op_wait mapped = {.message = MESSAGE_tree_mapped};
  if (!error) error = run_wait(ctx, &mapped);
  if (!error) ctx->held[op->slot] = tree;
  else if (tree >= 0) close(tree);
  return error;
}

int run_hold_source(struct context *ctx, const struct op_hold_source *op) {
  if (op->slot >= HOLD_SLOTS) return EINVAL;
  int tree = sys_open_tree(AT_FDCWD, op->source, OPEN_TREE_CLONE | (op->recursive ? AT_RECURSIVE_ : 0));
  if (tree < 0) {
    detail("source");
    return errno;
  }
  int error = op->mapped ? map_ids(tree, op) : 0;
  if (error) close(tree);
  else ctx->held[op->slot] = tree;
  return error;
}
