/* The shim itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"

enum { LISTENING = 3, LAST_WORDS_MS = 5000 };

/* Both ends are open, so a containerd that is away costs nothing, and one that comes again reads on. */
static void open_log(void) {
  int fd = open("log", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  dup2(fd, 2);
  close(fd);
}

static void find_socket(void) {
  struct sockaddr_un address = {0};
  socklen_t size = sizeof address;
  if (getsockname(LISTENING, (struct sockaddr *)&address, &size) != 0 || address.sun_family != AF_UNIX) return;
  snprintf(shim.socket_path, sizeof shim.socket_path, "%.107s", address.sun_path);
}

static void wake_up(struct timer *timer) { (void)timer; }

/* Nobody asks any more. What happened is still told, for a while. */
static void say_last_words(void) {
  struct timer timer = {0};
  int64_t deadline = monotonic() + (int64_t)LAST_WORDS_MS * 1000000;
  set_timer(&timer, LAST_WORDS_MS, wake_up);
  while ((has_events() || has_unsent()) && monotonic() < deadline) turn();
}

int stay(void) {
  find_socket();
  if (!*shim.socket_path) return fprintf(stderr, "usnea shim: 3 is no socket to listen on; `start` hands it over\n"), 1;
  fcntl(LISTENING, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_DUMPABLE, 0); /* nobody of our uid, in a container or not, looks into us */
  prctl(PR_SET_NAME, "usnea-shim");
  open_log();
  if (chdir("/") != 0) return 1;
  open_loop();
  open_reaper();
  open_events();
  open_server(LISTENING);
  while (!shim.is_stopping) turn();
  unlink(shim.socket_path);
  say_last_words();
  return 0;
}
