/* Namespaces and identity: the outer process, and what the first process does before it builds a root. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One write(2): the kernel takes an id map only whole. */
static int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    detail("open %s", path);
    return errno;
  }
  ssize_t wrote = write(fd, text, strlen(text));
  int error = wrote < 0 ? errno : 0;
  close(fd);
  if (error) detail("write %s", path);
  return error;
}

int run_unshare_user(struct context *ctx, const struct op_unshare_user *op) {
  return unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
}

int run_unshare(struct context *ctx, const struct op_unshare *op) {
  return unshare((int)op->flags) == 0 ? 0 : errno;
}

/* One id without a helper: setgroups must be denied before gid_map, user_namespaces(7). */
int run_map_self(struct context *ctx, const struct op_map_self *op) {
  char text[64];
  int error = write_file("/proc/self/setgroups", "deny");
  if (error && error != ENOENT) return error;
  snprintf(text, sizeof text, "%u %u 1", (unsigned)op->inner_uid, (unsigned)op->outer_uid);
  if ((error = write_file("/proc/self/uid_map", text))) return error;
  snprintf(text, sizeof text, "%u %u 1", (unsigned)op->inner_gid, (unsigned)op->outer_gid);
  return write_file("/proc/self/gid_map", text);
}

/*
 * Undumpable before the first step inside: setns(2) into a user namespace leaves that flag alone, and until it is off a
 * process in there could trace us, with the host's root and our descriptors still in our hands.
 */
int run_join(struct context *ctx, const struct op_join *op) {
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
  int error = setns((int)op->fd, (int)op->type) == 0 ? 0 : errno;
  close((int)op->fd);
  if (error) detail("%s", op->name);
  return error;
}

int run_time_offset(struct context *ctx, const struct op_time_offset *op) {
  return write_file("/proc/self/timens_offsets", op->text);
}

/* Becomes the root of the user namespace. Changing ids makes us undumpable, so nobody inside can look into us. */
int run_become(struct context *ctx, const struct op_become *op) {
  if (op->clear_groups && setgroups(0, NULL) != 0) return errno;
  if (setresgid((gid_t)op->gid, (gid_t)op->gid, (gid_t)op->gid) != 0) return errno;
  if (setresuid((uid_t)op->uid, (uid_t)op->uid, (uid_t)op->uid) != 0) return errno;
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}

int run_session(struct context *ctx, const struct op_session *op) {
  return setsid() < 0 && errno != EPERM ? errno : 0;
}

int run_propagate(struct context *ctx, const struct op_propagate *op) {
  return mount(NULL, "/", NULL, op->flags, NULL) == 0 ? 0 : errno;
}

int run_loopback(struct context *ctx, const struct op_loopback *op) {
  struct ifreq request = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  int error = ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
  close(fd);
  return error;
}

int run_hostname(struct context *ctx, const struct op_hostname *op) {
  return sethostname(op->name, strlen(op->name)) == 0 ? 0 : errno;
}

int run_domainname(struct context *ctx, const struct op_domainname *op) {
  return setdomainname(op->name, strlen(op->name)) == 0 ? 0 : errno;
}

/* First of all: in a namespace that is joined /proc is the container's, and once we are undumpable ours is root's. */
int run_oom_score(struct context *ctx, const struct op_oom_score *op) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)op->score);
  return write_file("/proc/self/oom_score_adj", text);
}

/*
 * Before the namespaces: a cgroup namespace begins where its maker is, and from inside of one nobody may move to what lies
 * outside of it. cgroup_namespaces(7)
 */
int run_enter_cgroup(struct context *ctx, const struct op_enter_cgroup *op) {
  char path[4096];
  if (snprintf(path, sizeof path, "%s/cgroup.procs", op->path) >= (int)sizeof path) return ENAMETOOLONG;
  return write_file(path, "0");
}
