/* What sees the denials of a sandbox stands beside it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aside.h"
#include "start.h"
#include "usnea.h"

enum { NUMBER = 12 };

static int wish_file(const void *wish, uint32_t size) {
  int fd = memory_file("usnea-wish", 0);
  if (fd < 0) return -errno;
  ssize_t wrote = write(fd, wish, size);
  if (wrote == (ssize_t)size) return fd;
  int error = wrote < 0 ? errno : ENOSPC;
  close(fd);
  return -error;
}

int usnea_observe_aside(const char *path, const void *wish, uint32_t size, int32_t *ends) {
  char numbers[3][NUMBER];
  char *argv[] = {(char *)"usnea-observe", numbers[0], numbers[1], numbers[2], NULL};
  int channel[2] = {-1, -1}, records[2] = {-1, -1};
  int program = open(path, O_RDONLY | O_CLOEXEC);
  int error = program < 0 ? errno : 0, file = error ? -1 : wish_file(wish, size);
  if (!error && file < 0) error = -file;
  if (!error && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0) error = errno;
  if (!error && pipe2(records, O_CLOEXEC) != 0) error = errno;
  const int kept[] = {file, channel[1], records[1]};
  for (int i = 0; i < 3; i++) snprintf(numbers[i], NUMBER, "%d", kept[i]);
  if (!error) error = start_aside(program, argv, kept, 3);
  const int done[] = {program, file, channel[1], records[1], error ? channel[0] : -1, error ? records[0] : -1};
  for (size_t i = 0; i < sizeof done / sizeof *done; i++)
    if (done[i] >= 0) close(done[i]);
  ends[0] = channel[0];
  ends[1] = records[0];
  return -error;
}
