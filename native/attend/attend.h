/*
 * The foreground of the command line: moves input and output, hands signals on, waits for the end. In C, because a
 * program that only waits needs no event loop. The library for koffi holds it, and so does usnea-attend: a program of a
 * few hundred kilobytes that takes the place of Node when a container lives longer than a moment.
 */
#ifndef USNEA_ATTEND_H
#define USNEA_ATTEND_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LANE_BYTES = 65536, LANES = 3 };

/* One direction: what was read from `from` and is not yet written to `to`. Both -1 when it is over. */
struct lane {
  int32_t from, to;
  uint8_t owns_from, owns_to; /* closed at the end, so that the other side hears of it */
  uint8_t way;                /* how `to` is written without blocking: lanes.c */
  uint32_t start, end;
  uint64_t taken, owed; /* bytes read so far, and to be read at least: see drain() */
  char bytes[LANE_BYTES];
};

/* termios as the kernel has it, ioctl_tty(2): libcs differ, and two of them read what one has written. */
struct settings {
  uint32_t input, output, control, local;
  uint8_t line, characters[19];
};

struct terminal {
  int32_t raw_fd;  /* our stdin while it is in raw mode, else -1 */
  int32_t size_fd; /* whose window size the container's terminal follows, or -1 */
  struct settings saved;
};

/* sd_notify(3): datagrams of the container, filtered, to the host. */
enum { RELAY_BYTES = 4096 }; /* as systemd reads */
struct relay {
  int32_t from, to;
  int32_t pidfd; /* the container's, where nobody else waits for it; -1 */
  int32_t main_pid;
  uint8_t is_open, says_ready, done;
  uint32_t waiting; /* bytes of the message that the host has not taken yet */
  char host[108];
  char message[RELAY_BYTES + 64];
};

/* Everything that is known about one attendance: plain data, so that another program can go on with it. */
struct attendance {
  uint32_t sum, size; /* of the build that wrote it */
  int32_t pid;     /* 0: there is only the relay */
  int32_t console; /* master of the container's terminal, or -1 */
  int64_t next_eof; /* milliseconds of now_ms() when the terminal is told of the end of our stdin; 0 never */
  int32_t eof_pause;
  uint8_t hung;    /* nobody has the container's terminal open at this moment */
  uint8_t last_byte;
  struct terminal terminal;
  struct relay relay;
  struct lane lanes[LANES];
};

/* loop.c: 1 when the process has ended (its status as wait(2) packs it), 0 when the time is over, or -errno. */
int attend(struct attendance *attendance, int timeout_ms, int32_t *status);

/* clock.c: of a clock that nobody sets. */
int64_t now_ms(void);

/* lanes.c */
void open_lane(struct lane *lane, int from, int to);
void end_lane(struct lane *lane);
bool is_open(const struct lane *lane);
bool is_full(const struct lane *lane);
/* Both say false when the lane has ended by it. */
bool take(struct lane *lane);
bool give(struct lane *lane);

/* terminal.c */
void find_terminal(struct terminal *terminal);
void enter_raw(struct terminal *terminal);
void leave_raw(struct terminal *terminal);
/* Gives the container's terminal the size of ours. */
void copy_size(const struct terminal *terminal, int console);
/* Tells a reader of the container's terminal that there will be no more input. */
void send_eof(struct attendance *attendance);

/* notify.c */
bool open_relay(struct relay *relay, int fd, const char *host, int main_pid);
void offer_relay(const struct relay *relay, struct pollfd *fd);
void serve_relay(struct relay *relay);
void relay_alone(struct relay *relay);

/* signals.c: see usnea.h for the rest. */
/* From now on there is nobody to hand signals to; they do nothing. */
void nobody_listens(void);
/* Readable when one of the signals came that are answered by the loop. */
int wake_fd(void);
struct answers {
  bool resize, stop, resume;
};
struct answers take_answers(void);
/* Stops us as SIGTSTP does by default; returns when we go on. */
void stop_here(void);
/* Restores the terminal before a fault of our own ends us. */
void guard_terminal(struct terminal *terminal);

#endif
