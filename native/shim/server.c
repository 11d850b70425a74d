/* The connections. A client that does not read its answers is not read from, so nothing grows. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"

enum { MOST_UNSENT = 1 << 20, MOST_CONNECTIONS = 256, CHUNK = 65536 };

struct connection {
  struct watch watch;
  struct connection *next;
  uint64_t number;
  struct buffer in, out;
  size_t sent;
  uint32_t to_skip; /* bytes of a frame that was refused */
};

static struct watch listener = {.fd = -1};
static struct connection *connections;
static unsigned count;

static void hang_up(struct connection *connection) {
  for (struct connection **at = &connections; *at; at = &(*at)->next)
    if (*at == connection) {
      *at = connection->next;
      break;
    }
  int fd = connection->watch.fd;
  stop_watch(&connection->watch);
  close(fd);
  drop(&connection->in);
  drop(&connection->out);
  free(connection);
  count--;
}

static struct connection *find_connection(uint64_t number) {
  for (struct connection *connection = connections; connection; connection = connection->next)
    if (connection->number == number) return connection;
  return NULL;
}

bool has_unsent(void) {
  for (struct connection *connection = connections; connection; connection = connection->next)
    if (connection->out.size > connection->sent) return true;
  return false;
}

/* False when the connection is gone. */
static bool flush(struct connection *connection) {
  struct buffer *out = &connection->out;
  while (connection->sent < out->size && !out->failed) {
    ssize_t wrote = send(connection->watch.fd, out->data + connection->sent, out->size - connection->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) break;
    if (wrote < 0) return hang_up(connection), false;
    connection->sent += (size_t)wrote;
  }
  if (out->failed) return hang_up(connection), false;
  if (connection->sent == out->size) drop(out), connection->sent = 0;
  size_t unsent = out->size - connection->sent;
  change_watch(&connection->watch, (unsent > MOST_UNSENT ? 0 : EPOLLIN) | (unsent ? EPOLLOUT : 0));
  return true;
}

void answer(struct reply_to to, struct buffer *payload) {
  struct connection *connection = find_connection(to.connection);
  if (!connection) {
    drop(payload);
    return;
  }
  put_answer(&connection->out, to.stream, payload);
  flush(connection);
}

void refuse(struct reply_to to, enum code code, const char *format, ...) {
  struct connection *connection = find_connection(to.connection);
  char message[2048];
  va_list list;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  if (!connection) return;
  put_failure(&connection->out, to.stream, code, message);
  flush(connection);
}

static void take_frame(struct connection *connection, struct frame frame, const uint8_t *data) {
  struct reply_to to = {connection->number, frame.stream};
  struct call_envelope call;
  if (frame.type != FRAME_REQUEST) return; /* of a stream that we never opened */
  if (frame.stream % 2 == 0) {
    refuse(to, INVALID, "StreamID must be odd for client initiated streams");
  } else if (!decode_call(data, frame.size, &call)) {
    refuse(to, INVALID, "the frame holds no ttrpc request");
  } else {
    serve(to, &call);
  }
}

/* The frames that are whole. An answer may have ended the connection: it is looked for again. */
static void take_frames(struct connection *connection) {
  uint64_t number = connection->number;
  size_t at = 0;
  while (connection->in.size - at >= FRAME_HEAD) {
    struct frame frame = read_head(connection->in.data + at);
    if (frame.size > MOST_DATA) {
      size_t here = connection->in.size - at - FRAME_HEAD;
      connection->to_skip = frame.size - (uint32_t)(here < frame.size ? here : frame.size);
      at += FRAME_HEAD + (here < frame.size ? here : frame.size);
      refuse((struct reply_to){number, frame.stream}, EXHAUSTED, "message length %u exceeds maximum message size of %u",
             frame.size, (unsigned)MOST_DATA);
    } else {
      if (connection->in.size - at - FRAME_HEAD < frame.size) break;
      take_frame(connection, frame, connection->in.data + at + FRAME_HEAD);
      at += FRAME_HEAD + frame.size;
    }
    if (!(connection = find_connection(number))) return;
  }
  connection->in.size -= at;
  if (connection->in.size == 0) drop(&connection->in);
  else if (at > 0) memmove(connection->in.data, connection->in.data + at, connection->in.size);
}

static void talk(struct watch *watch, uint32_t events) {
  static uint8_t chunk[CHUNK];
  struct connection *connection = OF(connection, watch, watch);
  if (events & EPOLLOUT && !flush(connection)) return;
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  ssize_t got = recv(watch->fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    hang_up(connection);
    return;
  }
  size_t skipped = (size_t)got < connection->to_skip ? (size_t)got : connection->to_skip;
  connection->to_skip -= (uint32_t)skipped;
  put_raw(&connection->in, chunk + skipped, (size_t)got - skipped);
  if (connection->in.failed) hang_up(connection);
  else take_frames(connection);
}

static bool is_us(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void welcome(struct watch *watch, uint32_t events) {
  static uint64_t last;
  (void)events;
  int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  struct connection *connection = count < MOST_CONNECTIONS && is_us(fd) ? calloc(1, sizeof *connection) : NULL;
  if (!connection) {
    close(fd);
    return;
  }
  *connection = (struct connection){.watch = {.fd = -1, .ready = talk}, .next = connections, .number = ++last};
  connections = connection;
  count++;
  if (!start_watch(&connection->watch, fd, EPOLLIN)) hang_up(connection);
}

void open_server(int listening) {
  listener.ready = welcome;
  start_watch(&listener, listening, EPOLLIN);
}
