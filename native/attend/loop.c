#define _GNU_SOURCE
#include "attend.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/usnea.h"

enum {
  QUIET_MS = 200,   /* a process that was left behind and still has the output open is given so long to say more */
  PATIENCE_MS = 2000, /* and so long in all */
  HUNG_MS = 100,
  TERMINAL_BYTES = 1 << 17, /* more than a terminal holds: 64 KiB on the way to its reader (tty_buffer.c), 4 KiB there */
};

static bool has_ended(int pidfd) {
  struct pollfd fd = {pidfd, POLLIN, 0};
  return poll(&fd, 1, 0) > 0;
}

static bool is_console(const struct attendance *a, int fd) { return fd >= 0 && fd == a->console; }

/* Nothing is open on the other side: reading says EIO at once and for ever, until somebody opens it again. */
static void offer(const struct attendance *a, const struct lane *lane, struct pollfd *fd) {
  int wanted = is_full(lane) ? lane->to : lane->from;
  if (a->hung && is_console(a, wanted)) wanted = -1;
  *fd = (struct pollfd){wanted, is_full(lane) ? POLLOUT : POLLIN, 0};
}

/* Nobody sees the output any more: for the container that is a terminal that was closed. */
static void hang_up(struct attendance *a) {
  end_lane(&a->lanes[0]);
  end_lane(&a->lanes[1]);
  close(a->console);
  a->console = -1;
}

static void finish(struct attendance *a, struct lane *lane) {
  if (errno == EIO && is_console(a, is_full(lane) ? lane->to : lane->from)) {
    a->hung = 1;
  } else if (is_console(a, lane->from)) {
    hang_up(a);
  } else {
    if (is_console(a, lane->to)) a->next_eof = now_ms();
    end_lane(lane);
  }
}

static void move(struct attendance *a, struct lane *lane) {
  errno = 0;
  bool goes_on = is_full(lane) ? give(lane) : take(lane);
  if (goes_on && is_console(a, lane->to) && is_full(lane)) a->last_byte = (uint8_t)lane->bytes[lane->end - 1];
  if (!goes_on) finish(a, lane);
}

/* One round; false when nothing moved within the time. */
static bool turn(struct attendance *a, int pidfd, int timeout_ms) {
  struct pollfd fds[LANES + 3];
  for (int i = 0; i < LANES; i++) offer(a, &a->lanes[i], &fds[i]);
  fds[LANES] = (struct pollfd){pidfd, POLLIN, 0};
  fds[LANES + 1] = (struct pollfd){wake_fd(), POLLIN, 0};
  offer_relay(&a->relay, &fds[LANES + 2]);
  int got = poll(fds, LANES + 3, timeout_ms);
  if (got <= 0) return got < 0 && errno == EINTR;
  for (int i = 0; i < LANES; i++)
    if (fds[i].revents) move(a, &a->lanes[i]);
  if (fds[LANES + 2].revents) serve_relay(&a->relay);
  return true;
}

static void answer_signals(struct attendance *a) {
  struct answers wanted = take_answers();
  if (wanted.stop) {
    leave_raw(&a->terminal);
    stop_here();
  }
  if ((wanted.stop || wanted.resume) && a->console >= 0) enter_raw(&a->terminal);
  if (wanted.resize || wanted.stop || wanted.resume) copy_size(&a->terminal, a->console);
}

static int until(int64_t deadline, int64_t now, int wait) {
  if (deadline <= 0) return wait;
  int64_t left = deadline > now ? deadline - now : 0;
  return wait < 0 || left < wait ? (int)left : wait;
}

/* What lies in the pipe now is certainly of the process that has ended. A terminal tells no count, only that it is empty. */
static void count_owed(const struct attendance *a, struct lane *lane) {
  int bytes = 0;
  if (is_console(a, lane->from)) bytes = TERMINAL_BYTES;
  else if (is_open(lane)) ioctl(lane->from, FIONREAD, &bytes);
  lane->owed = lane->taken + (uint64_t)bytes;
}

static bool has_given_all(const struct attendance *a, const struct lane *lane) {
  struct pollfd fd = {lane->from, POLLIN, 0};
  if (is_full(lane)) return false;
  return lane->taken >= lane->owed || (is_console(a, lane->from) && poll(&fd, 1, 0) == 0);
}

/*
 * However slow the reader is, it gets all of it. Who was left behind and has the output open may add something, but does
 * not keep us; nor does who opens the terminal again, which is hung up when the leader of its session ends.
 */
static void drain(struct attendance *a) {
  struct lane *lanes = a->lanes;
  end_lane(&lanes[0]);
  for (int i = 1; i < LANES; i++) count_owed(a, &lanes[i]);
  for (int64_t deadline = now_ms() + PATIENCE_MS; is_open(&lanes[1]) || is_open(&lanes[2]);) {
    bool writing = is_full(&lanes[1]) || is_full(&lanes[2]);
    if ((a->hung && !writing) || (!turn(a, -1, writing ? -1 : QUIET_MS) && !writing)) break;
    answer_signals(a);
    for (int i = 1; i < LANES && now_ms() > deadline; i++)
      if (has_given_all(a, &lanes[i])) end_lane(&lanes[i]);
  }
  for (int i = 1; i < LANES; i++) end_lane(&lanes[i]);
}

int attend(struct attendance *a, int timeout_ms, int32_t *status) {
  int pidfd = usnea_pidfd_open(a->pid);
  if (pidfd < 0) return pidfd;
  int64_t over = timeout_ms < 0 ? 0 : now_ms() + timeout_ms;
  while (!has_ended(pidfd)) {
    int64_t now = now_ms();
    if (over && now >= over) {
      close(pidfd);
      return 0;
    }
    turn(a, pidfd, until(a->next_eof, now, until(over, now, a->hung ? HUNG_MS : -1)));
    a->hung = 0;
    answer_signals(a);
    send_eof(a);
  }
  nobody_listens();
  a->next_eof = 0;
  serve_relay(&a->relay);
  a->relay.is_open = 0;
  drain(a);
  leave_raw(&a->terminal);
  close(pidfd);
  int got = usnea_wait(a->pid, 1, status);
  return got < 0 ? got : 1;
}
