/* Our own terminal, while the container has one: raw mode, the window's size, and back. */
#define _GNU_SOURCE
#include "attend.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static bool read_settings(int fd, struct settings *settings) { return ioctl(fd, TCGETS, settings) == 0; }

/*
 * Any of the three may be redirected, and the terminal that controls us is still there. Raw mode is for our stdin only:
 * where that is no terminal nobody reads what is typed, and ^C must go on to be a signal.
 */
void find_terminal(struct terminal *terminal) {
  static const int order[] = {2, 1, 0};
  terminal->raw_fd = terminal->size_fd = -1;
  for (int i = 0; i < 3 && terminal->size_fd < 0; i++)
    if (isatty(order[i])) terminal->size_fd = order[i];
  if (terminal->size_fd < 0) terminal->size_fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
}

/*
 * cfmakeraw(3), but output is still processed: the container's terminal sends plain newlines. Again after a stop, when the
 * shell has put its own settings in place.
 */
void enter_raw(struct terminal *terminal) {
  if (terminal->raw_fd < 0 && !read_settings(0, &terminal->saved)) return;
  struct settings raw = terminal->saved;
  raw.input &= ~(uint32_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw.output |= OPOST;
  raw.local &= ~(uint32_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  raw.control = (raw.control & ~(uint32_t)(CSIZE | PARENB)) | CS8;
  raw.characters[VMIN] = 1;
  raw.characters[VTIME] = 0;
  /* from the background this stops us, as it should, until we are in the foreground */
  while (ioctl(0, TCSETS, &raw) != 0)
    if (errno != EINTR) return;
  terminal->raw_fd = 0;
}

/* Async-signal-safe: also called when we crash. SIGTTOU must not stop us on the way out. */
void leave_raw(struct terminal *terminal) {
  if (terminal->raw_fd < 0) return;
  sigset_t ttou, old;
  sigemptyset(&ttou);
  sigaddset(&ttou, SIGTTOU);
  sigprocmask(SIG_BLOCK, &ttou, &old);
  while (ioctl(terminal->raw_fd, TCSETS, &terminal->saved) != 0 && errno == EINTR) continue;
  sigprocmask(SIG_SETMASK, &old, NULL);
  terminal->raw_fd = -1;
}

void copy_size(const struct terminal *terminal, int console) {
  struct winsize size;
  if (terminal->size_fd < 0 || console < 0 || ioctl(terminal->size_fd, TIOCGWINSZ, &size) != 0) return;
  if (size.ws_row > 0 && size.ws_col > 0) ioctl(console, TIOCSWINSZ, &size);
}

/* Has the container not yet read what was typed? An end of file that waits there counts as well. */
static bool has_unread(int console) {
  int peer = ioctl(console, TIOCGPTPEER, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (peer < 0) return false;
  struct pollfd fd = {peer, POLLIN, 0};
  bool unread = poll(&fd, 1, 0) > 0 && fd.revents & POLLIN;
  close(peer);
  return unread;
}

enum { FIRST_PAUSE_MS = 50, READING_PAUSE_MS = 1000, LONG_PAUSE_MS = 10000 };

static int32_t longer(int32_t pause, int32_t limit) { return pause * 2 < limit ? pause * 2 : limit; }

/*
 * A terminal has no end of file that stays, only a character that a reader takes for one: VEOF of termios(3). A shell
 * that changes the mode between two commands would lose one that came too early. So it is sent when everything before
 * it was read, and again, more and more seldom, as long as somebody takes it and goes on.
 */
void send_eof(struct attendance *attendance) {
  struct settings settings;
  int64_t now = now_ms();
  if (attendance->console < 0 || attendance->next_eof == 0 || now < attendance->next_eof) return;
  int32_t pause = attendance->eof_pause ? attendance->eof_pause : FIRST_PAUSE_MS;
  if (attendance->hung || has_unread(attendance->console) || !read_settings(attendance->console, &settings)) {
    pause = longer(pause, READING_PAUSE_MS);
  } else {
    /* in the middle of a line the first one only ends the line */
    bool twice = settings.local & ICANON && attendance->last_byte != '\n';
    uint8_t eof[2] = {settings.characters[VEOF], settings.characters[VEOF]};
    if (write(attendance->console, eof, twice ? 2 : 1) > 0) attendance->last_byte = '\n';
    pause = longer(pause, LONG_PAUSE_MS);
  }
  attendance->eof_pause = pause;
  attendance->next_eof = now + pause;
}
