/* The calls that need a worker: one at a time for a process, in the order in which they came. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim.h"

enum { MOST_CALLS = 8192, MOST_WORKERS = 32, MOST_WAITING_BYTES = 64 << 20, PATIENCE_MS = 2000, TERM_ROUND = 2, KILL_ROUND = 8 };

static struct call *waiting, **last = &waiting, *running;
static unsigned call_count, worker_count;
static size_t waiting_bytes;

bool has_calls(void) { return waiting || running; }

bool has_creation(void) {
  bool found = false;
  for (const struct call *call = waiting; call; call = call->next) found = found || call->method == CREATE;
  return found;
}

bool is_worker(int pid) {
  const struct call *call = running;
  while (call && call->worker != pid) call = call->next;
  return call;
}

static bool is_exclusive(enum method method) { return method != KILL && method != PIDS && method != STATS; }

static void free_call(struct call *call) {
  call_count--;
  waiting_bytes -= call->request.any.size;
  free_request(&call->request);
  drop(&call->told);
  if (call->told_fd >= 0) close(call->told_fd);
  stop_timer(&call->patience);
  free(call);
}

static void next_calls(void);

void end_call(struct call *call) {
  for (struct call **at = &running; *at; at = &(*at)->next)
    if (*at == call) {
      *at = call->next;
      break;
    }
  if (call->process && is_exclusive(call->method)) call->process->is_busy = false;
  free_call(call);
  if (!running) forget_early_ends();
  next_calls();
  settle_deletes();
}

/* Part of the result has come, or the end of the worker. */
static void hear(struct watch *watch, uint32_t events) {
  struct call *call = OF(call, watch, watch);
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  uint8_t chunk[16384];
  struct iovec part = {chunk, sizeof chunk};
  struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  (void)events;
  ssize_t got = recvmsg(watch->fd, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  struct cmsghdr *passed = got > 0 ? CMSG_FIRSTHDR(&head) : NULL;
  if (passed && passed->cmsg_type == SCM_RIGHTS) memcpy(&call->told_fd, CMSG_DATA(passed), sizeof(int));
  if (got > 0) {
    put_raw(&call->told, chunk, (size_t)got);
    return;
  }
  int fd = watch->fd;
  stop_watch(watch);
  close(fd);
  worker_count--;
  struct result result = {.code = INTERNAL, .message = "the worker of this call has died"};
  struct buffer payload = {0};
  if (!call->told.failed && call->told.size >= sizeof result) {
    memcpy(&result, call->told.data, sizeof result);
    put_raw(&payload, call->told.data + sizeof result, call->told.size - sizeof result);
  }
  fd = call->told_fd;
  call->told_fd = -1;
  call->is_done = true;
  finish(call, &result, &payload, fd);
}

static void start_call(struct call *call) {
  call->next = running;
  running = call;
  if (!begin(call)) return end_call(call);
  if (is_exclusive(call->method)) call->process->is_busy = true;
  if (call->is_done) return finish(call, &(struct result){0}, &(struct buffer){0}, -1);
  worker_count++;
  if (start_worker(call, hear)) return;
  worker_count--;
  call->is_done = true;
  finish(call, &(struct result){.code = EXHAUSTED, .message = "no worker can be started"}, &(struct buffer){0}, -1);
}

static bool is_turn(const struct call *call) {
  struct container *container = find_container(call->request.id);
  struct process *process = container ? find_process(container, call->request.exec_id) : NULL;
  return worker_count < MOST_WORKERS && !(process && process->is_busy && is_exclusive(call->method));
}

static void next_calls(void) {
  static bool is_inside; /* a call that is refused at once ends here, too */
  if (is_inside) return;
  is_inside = true;
  for (struct call **at = &waiting; *at && worker_count < MOST_WORKERS;) {
    struct call *call = *at;
    if (!is_turn(call)) {
      at = &call->next;
      continue;
    }
    *at = call->next;
    if (!*at) last = at;
    start_call(call);
  }
  is_inside = false;
}

void take_call(struct reply_to to, enum method method, struct request *request) {
  bool is_too_much = call_count >= MOST_CALLS || waiting_bytes + request->any.size > MOST_WAITING_BYTES;
  struct call *call = is_too_much ? NULL : calloc(1, sizeof *call);
  if (!call) {
    refuse(to, EXHAUSTED, "%u calls wait for their turn", call_count);
    return;
  }
  *call = (struct call){.to = to, .method = method, .request = *request, .watch.fd = -1, .told_fd = -1};
  *request = (struct request){0};
  call_count++;
  waiting_bytes += call->request.any.size;
  *last = call;
  last = &call->next;
  next_calls();
}

void end_all(struct container *container) {
  struct request request = {.id = strdup(container->id), .exec_id = strdup(""), .signal = SIGKILL, .all = true};
  container->is_ending_all = true;
  take_call((struct reply_to){0, 0}, KILL, &request);
}

static void lose_patience(struct timer *timer) {
  struct call *call = OF(call, patience, timer);
  struct process *process = call->process;
  bool moves = false;
  for (int i = 0; i < LANES; i++) moves = is_moving(process->io.lanes[i]) || moves;
  if (!is_drained(process) && !moves) close_stdio(process);
  call->rounds++;
  if (process->logger > 0 && call->rounds == TERM_ROUND) kill(process->logger, SIGTERM);
  if (process->logger > 0 && call->rounds == KILL_ROUND) kill(process->logger, SIGKILL);
  set_timer(timer, PATIENCE_MS, lose_patience);
  settle_deletes();
}

/* What moved before is no sign that it moves still. */
static void begin_patience(struct call *call) {
  for (int i = 0; i < LANES; i++) is_moving(call->process->io.lanes[i]);
  set_timer(&call->patience, PATIENCE_MS, lose_patience);
}

static void tell_deleted(struct call *call) {
  struct process *process = call->process;
  struct container *container = process->container;
  struct buffer told = {0}, event = {0};
  put_number(&told, 1, (uint64_t)process->pid);
  put_exit(&event, process);
  put_number(&told, 2, process->exit_status);
  put_time(&told, 3, process->exited_at);
  drop(&event);
  if (!*process->id) {
    put_text(&event, 1, container->id);
    put_number(&event, 2, (uint64_t)process->pid);
    put_number(&event, 3, process->exit_status);
    put_time(&event, 4, process->exited_at);
    publish("/tasks/delete", "containerd.events.TaskDelete", &event);
  }
  struct reply_to to = call->to;
  call->process = NULL;
  if (*process->id) remove_exec(process);
  else remove_container(container);
  answer(to, &told);
}

static bool has_busy_exec(const struct process *process) {
  bool found = false;
  for (const struct process *exec = *process->id ? NULL : process->container->execs; exec; exec = exec->next) found = found || exec->is_busy;
  return found;
}

static bool is_settled(const struct call *call) {
  const struct process *process = call->process;
  if (has_busy_exec(process)) return false;
  bool is_over = process->has_exited || process->pid <= 0;
  return call->method == DELETE && call->is_done && is_over && is_drained(process) && process->logger <= 0;
}

void settle_deletes(void) {
  static bool is_inside; /* the end of a deletion comes here again */
  if (is_inside) return;
  is_inside = true;
  for (struct call *call = running, *next; call; call = next) {
    next = call->next;
    if (call->method != DELETE || !call->is_done) continue;
    if (!call->patience.at) begin_patience(call);
    if (!is_settled(call)) continue;
    tell_deleted(call);
    end_call(call);
    next = running; /* others may have ended by it */
  }
  is_inside = false;
}
