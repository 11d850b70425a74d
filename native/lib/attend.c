/* The attendance of this process, and how usnea-attend goes on with it. */
#define _GNU_SOURCE
#include "../attend/attend.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "usnea.h"

static struct attendance ours;

static void begin_pipes(const int32_t *fds) {
  for (int i = 0; i < LANES; i++) fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
  open_lane(&ours.lanes[0], 0, fds[0]);
  open_lane(&ours.lanes[1], fds[1], 1);
  open_lane(&ours.lanes[2], fds[2], 2);
  ours.lanes[0].owns_to = ours.lanes[1].owns_from = ours.lanes[2].owns_from = 1;
}

static void begin_terminal(int console) {
  fcntl(console, F_SETFL, fcntl(console, F_GETFL) | O_NONBLOCK);
  open_lane(&ours.lanes[0], 0, console);
  open_lane(&ours.lanes[1], console, 1);
  open_lane(&ours.lanes[2], -1, -1);
  guard_terminal(&ours.terminal);
  enter_raw(&ours.terminal);
}

void usnea_fit_terminal(int console) {
  find_terminal(&ours.terminal);
  copy_size(&ours.terminal, console);
}

/* We are the main process of the service: our end is the end of the container, and our status is its status. */
int usnea_relay(int fd, const char *host) { return open_relay(&ours.relay, fd, host, getpid()) ? 0 : -ENAMETOOLONG; }

int usnea_attend(int pid, const int32_t *fds, int console, int timeout_ms, int32_t *status) {
  if (ours.pid != pid) {
    if (console < 0) ours.terminal.raw_fd = ours.terminal.size_fd = -1;
    ours.sum = PLAN_SUM;
    ours.size = sizeof ours;
    ours.pid = pid;
    ours.console = console;
    if (console < 0) begin_pipes(fds);
    else begin_terminal(console);
    copy_size(&ours.terminal, console);
  }
  return attend(&ours, timeout_ms, status);
}

const struct attendance *usnea_attendance(void) { return &ours; }
