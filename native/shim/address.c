/* Where the shim listens. One address for a containerd, a namespace and a group, so that a group finds its shim. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"

static const char *socket_directory(char *path, size_t room) {
  const char *home = getenv("XDG_RUNTIME_DIR");
  if (geteuid() != 0 && home && *home == '/') snprintf(path, room, "%s/usnea/s", home);
  else snprintf(path, room, "/run/containerd/s");
  return path;
}

static bool make_directory(const char *path) {
  char part[128];
  snprintf(part, sizeof part, "%s", path);
  for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(part, 0711);
    *slash = '/';
  }
  struct stat stat_;
  return (mkdir(path, 0711) == 0 || errno == EEXIST) && stat(path, &stat_) == 0 && S_ISDIR(stat_.st_mode) && stat_.st_uid == geteuid();
}

bool shim_address(const char *group, char path[128], char *why, size_t room) {
  char directory[96], text[PATH_MAX * 2], hex[65];
  socket_directory(directory, sizeof directory);
  /* A deep runtime directory leaves room for less of the hash; half of it is still more than enough. */
  int digits = 107 - 1 - (int)strlen(directory);
  if (digits < 32) return snprintf(why, room, "%s is too long a name for sockets in it", directory), false;
  if (!make_directory(directory)) return snprintf(why, room, "%s is no directory of ours: %s", directory, strerror(errno)), false;
  snprintf(text, sizeof text, "%s/%s/%s", shim.containerd, shim.space, group);
  sha256_hex(text, hex);
  snprintf(path, 128, "%s/%.*s", directory, digits, hex);
  return true;
}

static int try_bind(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  mode_t old = umask(077); /* no moment in which another user could connect */
  bool is_bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 128) == 0;
  int error = errno;
  umask(old);
  if (is_bound) return fd;
  if (fd >= 0) close(fd);
  errno = error;
  return -1;
}

/* 0: nobody listens there. 1: a shim of ours does. -1: somebody else, whom we let alone. */
static int look_at(const char *path, char *why, size_t room) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct stat stat_;
  if (lstat(path, &stat_) != 0) return 0;
  if (!S_ISSOCK(stat_.st_mode) || stat_.st_uid != geteuid()) return snprintf(why, room, "%s is no socket of ours", path), -1;
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool is_open = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
  int result = is_open ? (is_shim(fd, why, room) ? 1 : -1) : errno == ECONNREFUSED || errno == ENOENT ? 0 : -1;
  if (result < 0 && !is_open) snprintf(why, room, "cannot connect to %s: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
  return result;
}

/* Two starts of one group at once: the second finds the socket of the first, and none removes that of the other. */
int bind_address(const char *path, bool *is_shared, char *why, size_t room) {
  char directory[128];
  snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
  int lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
  *is_shared = false;
  if (lock < 0 || flock(lock, LOCK_EX) != 0) {
    snprintf(why, room, "cannot lock %s: %s", directory, strerror(errno));
  } else {
    fd = try_bind(path);
    int found = fd < 0 && errno == EADDRINUSE ? look_at(path, why, room) : -2;
    *is_shared = found == 1;
    if (found == 0 && unlink(path) == 0) fd = try_bind(path);
    if (fd < 0 && found != 1 && found != -1) snprintf(why, room, "cannot listen on %s: %s", path, strerror(errno));
  }
  if (lock >= 0) close(lock);
  return fd;
}
