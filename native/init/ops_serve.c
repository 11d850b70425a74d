/*
 * A file system of a sandbox that a program outside of it serves over FUSE. The mount belongs to the sandbox, and is
 * nowhere else; the program has only the device, which goes to its init through a socket that our parent made for both.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTR_NOSUID_NODEV = 2 | 4 };

static int make(int device, int *tree) {
  char options[160];
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%u,group_id=%u,default_permissions,allow_other", device,
           (unsigned)getuid(), (unsigned)getgid());
  return make_filesystem(&(struct filesystem){"fuse", "fuse-overlayfs", options, ATTR_NOSUID_NODEV}, tree);
}

/*
 * The kernel wants the device opened in the user namespace that the mount belongs to. Ours must not stay open: with the
 * last one of the program's the mount is over, and says so instead of hanging.
 */
int run_hold_served(struct context *ctx, const struct op_hold_served *op) {
  struct stat stat;
  int tree = -1, channel = (int)op->channel, error = 0;
  if (op->slot >= HOLD_SLOTS) return EINVAL;
  int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  detail("/dev/fuse");
  if (device < 0) return errno;
  error = make(device, &tree);
  if (error) detail("mount");
  if (!error && (error = send_descriptors(channel, "f", 1, &device, 1))) detail("server");
  close(device);
  close(channel);
  if (!error && fstat(tree, &stat) != 0) { /* waits for its first answer */
    error = errno;
    detail("server");
  }
  if (error) return error;
  detail("%s", "");
  ctx->held[op->slot] = tree;
  return 0;
}

/* The descriptor that comes through a socket takes the socket's place. */
int run_receive(struct context *ctx, const struct op_receive *op) {
  char byte;
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr head;
  } control = {{0}};
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t got;
  int received;
  do got = recvmsg((int)op->fd, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0) return errno;
  if (got == 0) return ECONNRESET;
  if (message.msg_controllen < sizeof control.head || control.head.cmsg_type != SCM_RIGHTS) return EPROTO;
  memcpy(&received, CMSG_DATA(&control.head), sizeof received);
  int error = dup2(received, (int)op->fd) < 0 ? errno : 0;
  close(received);
  return error;
}
