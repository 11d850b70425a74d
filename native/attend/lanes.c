/* Input and output: one buffer a direction, never more, so a slow reader slows its writer down and nothing grows. */
#define _GNU_SOURCE
#include "attend.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x08
#endif

enum { WHOLE, PIECE, NOWAIT, SOCKET };

/* Somebody else's pipe or socket: O_NONBLOCK is a flag that we would set for everyone who has it open. */
static int way_to_write(int fd) {
  struct stat stat_;
  if (fd < 0 || fcntl(fd, F_GETFL) & O_NONBLOCK || fstat(fd, &stat_) != 0) return WHOLE;
  if (S_ISFIFO(stat_.st_mode)) return NOWAIT;
  if (S_ISSOCK(stat_.st_mode)) return SOCKET;
  return S_ISREG(stat_.st_mode) ? WHOLE : PIECE;
}

void open_lane(struct lane *lane, int from, int to) {
  lane->from = from;
  lane->to = to;
  lane->owns_from = lane->owns_to = 0;
  lane->way = (uint8_t)way_to_write(to);
  lane->start = lane->end = 0;
  lane->taken = lane->owed = 0;
}

void end_lane(struct lane *lane) {
  if (lane->owns_to && lane->to >= 0) close(lane->to);
  if (lane->owns_from && lane->from >= 0) close(lane->from);
  lane->from = lane->to = -1;
  lane->start = lane->end = 0;
}

bool is_open(const struct lane *lane) { return lane->from >= 0; }
bool is_full(const struct lane *lane) { return lane->end > lane->start; }

static bool is_passing(void) { return errno == EAGAIN || errno == EINTR; }

bool take(struct lane *lane) {
  ssize_t got = read(lane->from, lane->bytes, LANE_BYTES);
  if (got > 0) lane->start = 0, lane->end = (uint32_t)got, lane->taken += (uint64_t)got;
  return got > 0 || (got < 0 && is_passing());
}

/* A blocking pipe that polls as writable takes PIPE_BUF bytes without blocking. */
static ssize_t write_piece(int fd, const char *bytes, size_t size) { return write(fd, bytes, size > 4096 ? 4096 : size); }

static ssize_t write_some(struct lane *lane, const char *bytes, size_t size) {
  if (lane->way == SOCKET) return send(lane->to, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (lane->way == NOWAIT) {
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    ssize_t wrote = syscall(SYS_pwritev2, lane->to, &part, 1, -1L, -1L, RWF_NOWAIT);
    if (wrote >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != EPERM)) return wrote;
    lane->way = PIECE; /* pipes know it since Linux 6.4 */
  }
  return lane->way == PIECE ? write_piece(lane->to, bytes, size) : write(lane->to, bytes, size);
}

bool give(struct lane *lane) {
  ssize_t wrote = write_some(lane, lane->bytes + lane->start, lane->end - lane->start);
  if (wrote > 0) lane->start += (uint32_t)wrote;
  return wrote >= 0 || is_passing();
}
