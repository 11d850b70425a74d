/*
 * Events go to containerd in the order in which they happened, one after the other, each until it is taken. While
 * containerd is away they wait: there cannot be many, since only containerd has new processes begin.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shim.h"

enum { MOST_EVENTS = 16384, ANSWER_MS = 5000, FIRST_PAUSE_MS = 50, LONGEST_PAUSE_MS = 2000, MOST_REFUSALS = 5 };

struct event {
  struct event *next;
  const char *topic;
  struct buffer any, envelope;
  unsigned refusals;
  bool is_complained_of;
};

static struct event *first, **last = &first;
static unsigned count;
static struct watch line;
static struct timer timer;
static struct buffer in, out;
static size_t sent;
static uint32_t stream;
static bool is_asked; /* the first event is on its way */
static int publisher;
static int pause_ms = FIRST_PAUSE_MS;

bool has_events(void) { return first; }
bool events_are_stuck(void) { return count >= MOST_EVENTS; }

static void next_event(void);

static void hang_up(void) {
  int fd = line.fd;
  stop_watch(&line);
  if (fd >= 0) close(fd);
  drop(&in);
  drop(&out);
  sent = 0;
  is_asked = false;
}

static void try_again(struct timer *rung) {
  (void)rung;
  hang_up();
  next_event();
}

static void pause_for_a_while(void) {
  hang_up();
  set_timer(&timer, pause_ms, try_again);
  pause_ms = pause_ms * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : pause_ms * 2;
}

static void forget_first(void) {
  struct event *event = first;
  first = event->next;
  if (!first) last = &first;
  drop(&event->any);
  drop(&event->envelope);
  free(event);
  count--;
  is_asked = false;
  pause_ms = FIRST_PAUSE_MS;
  stop_timer(&timer);
}

static bool send_out(void) {
  while (sent < out.size) {
    ssize_t wrote = send(line.fd, out.data + sent, out.size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (wrote < 0 && errno == EAGAIN) break;
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) sent += (size_t)wrote;
  }
  if (sent == out.size) drop(&out), sent = 0;
  change_watch(&line, EPOLLIN | (out.size ? EPOLLOUT : 0));
  return true;
}

/*
 * An event that containerd refuses again and again is given up, so that those behind it are not lost with it. One that has
 * no room for it now is no refusal: a full disk may take any time.
 */
static void take_answer(int code) {
  bool has_no_room = code == UNAVAILABLE || code == EXHAUSTED;
  if (code != OK && !(has_no_room && first->is_complained_of)) tell("warning", "containerd refused %s with code %d", first->topic, code);
  first->is_complained_of = true;
  if (code == OK || (!has_no_room && ++first->refusals > MOST_REFUSALS)) forget_first();
  else pause_for_a_while();
}

static void listen_to(struct watch *watch, uint32_t events) {
  uint8_t chunk[4096];
  struct field payload;
  if (events & EPOLLOUT && !send_out()) return pause_for_a_while();
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t got = recv(watch->fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return first ? pause_for_a_while() : hang_up();
  put_raw(&in, chunk, (size_t)got);
  if (in.failed || in.size > MOST_DATA) return pause_for_a_while();
  if (in.size < FRAME_HEAD) return;
  struct frame frame = read_head(in.data);
  if (frame.size > MOST_DATA) return pause_for_a_while();
  if (in.size - FRAME_HEAD < frame.size) return;
  int code = frame.type == FRAME_RESPONSE && frame.stream == stream ? decode_answer(in.data + FRAME_HEAD, frame.size, &payload) : -1;
  drop(&in);
  if (code < 0 || !is_asked) return pause_for_a_while();
  take_answer(code);
  next_event();
}

static bool dial(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *path = strncmp(shim.ttrpc, "unix://", 7) == 0 ? shim.ttrpc + 7 : shim.ttrpc;
  if (strlen(path) >= sizeof address.sun_path) return false;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && start_watch(&line, fd, EPOLLIN)) return true;
  line.fd = -1;
  close(fd);
  return false;
}

static void ask(void) {
  static const char *const path[2] = {"containerd.services.events.ttrpc.v1.Events", "Forward"};
  struct buffer request = {0}, envelope = {0};
  put_raw(&envelope, first->envelope.data, first->envelope.size);
  put_message(&request, 1, &envelope);
  stream = stream + 2 > INT32_MAX || line.fd < 0 ? 1 : stream + 2;
  put_call(&out, stream, (const char **)(uintptr_t)path, &request);
  is_asked = true;
  set_timer(&timer, ANSWER_MS, try_again);
  if (out.failed || !send_out()) pause_for_a_while();
}

static void next_event(void) {
  if (!first || is_asked || publisher > 0 || (timer.at && line.fd < 0)) return;
  if (!*shim.ttrpc) {
    publisher = run_publisher(first->topic, &first->any);
    if (publisher <= 0) pause_for_a_while();
  } else if (line.fd >= 0 || (stream = UINT32_MAX, dial())) {
    ask();
  } else {
    pause_for_a_while();
  }
}

void publisher_ended(int pid, int status) {
  if (publisher != pid || pid <= 0) return;
  publisher = 0;
  take_answer(status == 0 ? OK : UNKNOWN);
  next_event();
}

void open_events(void) { line = (struct watch){-1, listen_to}; }

void publish(const char *topic, const char *type, struct buffer *message) {
  bool is_wanted = *shim.ttrpc || *shim.publisher;
  struct event *event = is_wanted ? calloc(1, sizeof *event) : NULL;
  if (!is_wanted) {
    drop(message);
    return;
  }
  if (!event || message->failed) {
    tell("error", "no memory for %s", topic);
    drop(message);
    free(event);
    return;
  }
  event->topic = topic;
  put_text(&event->any, 1, type);
  put_message(&event->any, 2, message);
  struct buffer any = {0};
  put_raw(&any, event->any.data, event->any.size);
  put_time(&event->envelope, 1, wall_clock());
  put_text(&event->envelope, 2, shim.space);
  put_text(&event->envelope, 3, topic);
  put_message(&event->envelope, 4, &any);
  *last = event;
  last = &event->next;
  count++;
  next_event();
}
