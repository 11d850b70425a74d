/* Locks, fifos and descriptors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "usnea.h"

int usnea_flock(int fd, int operation) { return flock(fd, operation) == 0 ? 0 : -errno; }

int usnea_mkfifo(const char *path, uint32_t mode) { return mkfifo(path, mode) == 0 ? 0 : -errno; }

int usnea_dup(int fd) {
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return copy < 0 ? -errno : copy;
}
