/* The memory of the caller, which holds what its own call will read a moment later, or something else by then. */
#define _GNU_SOURCE
#include "observe.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096 };

ptrdiff_t read_memory(int pid, uint64_t at, void *out, size_t size) {
  struct iovec here = {out, size}, there = {(void *)(uintptr_t)at, size};
  return process_vm_readv(pid, &here, 1, &there, 1, 0);
}

/* Page by page: what follows the string need not be there. */
bool read_string(int pid, uint64_t at, char *out, size_t size) {
  for (size_t have = 0; have < size;) {
    size_t step = PAGE - (at + have) % PAGE;
    if (step > size - have) step = size - have;
    ptrdiff_t got = read_memory(pid, at + have, out + have, step);
    if (got <= 0) return false;
    if (memchr(out + have, 0, (size_t)got)) return true;
    have += (size_t)got;
  }
  return false;
}

/* Is it still the one that called? Numbers of processes are given again. */
bool is_alive(const struct caller *caller) {
  uint64_t id = caller->id;
  return ioctl(LISTENER_FD, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

size_t read_file(const char *name, char *text, size_t size) {
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? 0 : read(fd, text, size - 1);
  if (fd >= 0) close(fd);
  text[got > 0 ? got : 0] = 0;
  return got > 0 ? (size_t)got : 0;
}
