/*
 * The terminal of the container: a pair from its own devpts. Whoever wrote the image, or rules the container that exec
 * enters, may have put links, files and mounts in the way, and /proc is theirs too. So nothing is opened by a whole path:
 * the directory is proven to be a devpts first, and in it no mount is crossed.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

enum { DEVPTS_MAGIC = 0x1cd1, NAME = 32 };

static bool on_devpts(int fd) {
  struct statfs fs;
  return fstatfs(fd, &fs) == 0 && fs.f_type == DEVPTS_MAGIC;
}

/* After a join there is no new root: the one that we have is the container's. */
static int open_directory(const struct context *ctx, const char *path, int *fd) {
  int root = ctx->root >= 0 ? ctx->root : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return errno;
  *fd = sys_openat2(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
  int error = *fd < 0 ? errno : 0;
  if (root != ctx->root) close(root);
  return error;
}

static int open_master(const struct context *ctx, int *master) {
  struct stat stat;
  int directory, error = open_directory(ctx, "dev/pts", &directory);
  if (error) return error;
  if (!on_devpts(directory)) {
    detail("another file system");
    close(directory);
    return ENODEV;
  }
  /* Nobody can make files on a devpts, but they can be covered by a mount, which RESOLVE_NO_XDEV does not cross. */
  *master = sys_openat2(directory, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
  error = *master < 0 ? errno : 0;
  close(directory);
  if (error) return error;
  if (fstat(*master, &stat) == 0 && S_ISCHR(stat.st_mode) && stat.st_rdev == makedev(5, 2) && on_devpts(*master)) return 0;
  detail("another device");
  close(*master);
  *master = -1;
  return ENODEV;
}

/* The other end comes from the master itself, so its name plays no part. ioctl_tty(2), since 4.13 */
static int open_pair(const struct context *ctx, int *master, int *slave, char *name) {
  unsigned number;
  int unlock = 0, error = open_master(ctx, master);
  if (error) return error;
  if (ioctl(*master, TIOCSPTLCK, &unlock) != 0 || ioctl(*master, TIOCGPTN, &number) != 0) return errno;
  *slave = ioctl(*master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  snprintf(name, NAME, "/dev/pts/%u", number);
  return *slave < 0 ? errno : 0;
}

/* The group and the mode are what the devpts gives: `gid=5,mode=0620` lets members of tty write to each other. */
static int prepare(int slave, const struct op_terminal *op) {
  struct stat stat;
  struct termios modes;
  const struct winsize size = {.ws_row = (unsigned short)op->height, .ws_col = (unsigned short)op->width};
  if (fstat(slave, &stat) != 0) return errno;
  if (stat.st_uid != op->uid && fchown(slave, (uid_t)op->uid, (gid_t)-1) != 0) {
    detail("owner");
    return errno;
  }
  if (op->width && op->height && ioctl(slave, TIOCSWINSZ, &size) != 0) return errno;
  if (!op->plain_newlines) return 0;
  if (tcgetattr(slave, &modes) != 0) return errno;
  modes.c_oflag &= ~(tcflag_t)ONLCR;
  return tcsetattr(slave, TCSANOW, &modes) == 0 ? 0 : errno;
}

/* `session` made us a leader without a terminal; this becomes ours, and that of everything the program starts. */
static int take(int slave) {
  if (ioctl(slave, TIOCSCTTY, 0) != 0) {
    detail("controlling terminal");
    return errno;
  }
  for (int fd = 0; fd < 3; fd++)
    if (dup2(slave, fd) < 0) return errno;
  return 0;
}

int run_terminal(struct context *ctx, const struct op_terminal *op) {
  char name[NAME];
  int master = -1, slave = -1, error = open_pair(ctx, &master, &slave, name);
  if (!error) error = prepare(slave, op);
  if (!error) error = take(slave);
  const struct frame frame = {MESSAGE_console_opened, (uint32_t)strlen(name), 0, 0};
  if (!error) error = send_descriptor(ctx->control, frame, name, master);
  if (master >= 0) close(master);
  if (slave >= 0) close(slave);
  return error;
}

/* /dev/console is made where it is missing, and never looked for through a link: what it names must be in /dev. */
static int open_console(const struct context *ctx, int *target) {
  const uint64_t inside = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  struct stat stat;
  int directory, error = open_directory(ctx, "dev", &directory);
  if (error) return error;
  *target = sys_openat2(directory, "console", O_PATH | O_CLOEXEC, inside);
  if (*target < 0 && errno == ENOENT) {
    int made = openat(directory, "console", O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (made >= 0) close(made);
    if (made >= 0) *target = sys_openat2(directory, "console", O_PATH | O_CLOEXEC, inside);
  }
  error = *target < 0 ? errno : 0;
  close(directory);
  if (!error && (fstat(*target, &stat) != 0 || S_ISDIR(stat.st_mode))) {
    close(*target);
    error = EISDIR;
  }
  return error;
}

/* The terminal is our stdin: see run_terminal. */
int run_console(struct context *ctx, const struct op_console *op) {
  bool detached;
  int target, error = open_console(ctx, &target);
  if (error) return error;
  int tree = copy_tree(0, "", false, AT_EMPTY_PATH, &detached);
  error = tree < 0 ? errno : attach(tree, target, false, detached);
  if (tree >= 0) close(tree);
  close(target);
  return error;
}
