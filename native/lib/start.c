/* Descriptors and plan of one start: opened here, closed here, whatever fails in between. */
#define _GNU_SOURCE
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "usnea.h"

/* MFD_EXEC is known since 6.3, and there needed where vm.memfd_noexec is 1. */
int memory_file(const char *name, unsigned flags) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
  return fd < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

static int sealed_plan(const void *bytes, uint32_t size) {
  int fd = memory_file("usnea-plan", 0);
  if (fd < 0) return -errno;
  ssize_t wrote = write(fd, bytes, size);
  if (wrote == (ssize_t)size && fcntl(fd, F_ADD_SEALS, ALL_SEALS) == 0) return fd;
  int error = wrote < 0 || wrote == (ssize_t)size ? errno : ENOSPC;
  close(fd);
  return -error;
}

void start_release(struct start *start, int failed) {
  for (int i = 0; i < start->count; i++) {
    if (start->ours[i]) close(start->child[i]);
    if (failed && start->parent[i] >= 0) close(start->parent[i]);
  }
  if (start->null >= 0) close(start->null);
  if (start->plan >= 0) close(start->plan);
  if (start->control[1] >= 0) close(start->control[1]);
  if (failed && start->control[0] >= 0) close(start->control[0]);
}

static int open_one(struct start *start, int i, int wanted) {
  int ends[2];
  start->parent[i] = -1;
  start->ours[i] = 0;
  if (wanted >= 0) {
    struct stat stat;
    /* A directory of the host is a way out: /proc/self/fd/0/../.. */
    if (i < 3 && fstat(wanted, &stat) != 0) return errno;
    if (i < 3 && S_ISDIR(stat.st_mode)) return EISDIR;
    start->child[i] = wanted;
  } else if (wanted == USNEA_NULL) {
    if (start->null < 0) start->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (start->null < 0) return errno;
    start->child[i] = start->null;
  } else {
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    int reads = wanted == USNEA_PIPE_IN;
    start->child[i] = ends[reads ? 0 : 1];
    start->parent[i] = ends[reads ? 1 : 0];
    start->ours[i] = 1;
  }
  return 0;
}

int start_open(struct start *start, const int32_t *fds, int count) {
  start->control[0] = start->control[1] = start->plan = start->null = -1;
  for (start->count = 0; start->count < count; start->count++) {
    int error = open_one(start, start->count, fds[start->count]);
    if (error) return error;
  }
  return 0;
}

int start_seal(struct start *start, const void *plan, uint32_t size) {
  start->plan = sealed_plan(plan, size);
  return start->plan < 0 ? -start->plan : 0;
}
