/*
 * Sandboxes without a cgroup, watched over for a program: each may have limits of its own, and all together others. The
 * program sends one packet for each, with a descriptor of its first process, and gets one back when it was looked at for
 * the first time, and one when it is ended. It is over when the program closes its end, or has ended.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

/* All numbers have 64 bits: src/linux/watchdog/group.ts writes them. */
struct wish {
  uint64_t id;        /* 0: the limits of all together */
  uint64_t pid;
  uint64_t whole;     /* the kernel ends all of it with its first process */
  uint64_t memory, tasks;
};
struct verdict {
  uint64_t id, kind, found, shared; /* kind NOTHING: it was looked at. shared: the limit of all together */
};
enum { BLIND = 3 }; /* in `kind`: /proc is closed to us */

struct watched {
  struct member member; /* first: measure_all() takes these */
  uint64_t id;
  bool whole, told, ended;
  int pidfd;
  struct limits limits;
};

static struct watched **all;
static size_t count, room;
static struct limits together;

/* What the program has not read yet may fill the socket: that must not keep us from looking. At most one for each. */
static struct verdict *kept;
static size_t kept_count, kept_room;

/* False when it does not fit. One that nobody is there to read is done with: unix(7). */
static bool say(int channel, struct verdict verdict) {
  ssize_t sent;
  do sent = send(channel, &verdict, sizeof verdict, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent == sizeof verdict || (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM);
}

static void say_kept(int channel) {
  size_t said = 0;
  while (said < kept_count && say(channel, kept[said])) said++;
  if (said == 0) return;
  kept_count -= said;
  memmove(kept, kept + said, kept_count * sizeof *kept);
}

/* In its turn, behind those that had to wait. */
static void say_or_keep(int channel, struct verdict verdict) {
  say_kept(channel);
  if (kept_count == 0 && say(channel, verdict)) return;
  if (kept_count == kept_room && !(kept = realloc(kept, (kept_room = kept_room ? kept_room * 2 : 16) * sizeof *kept))) abort();
  kept[kept_count++] = verdict;
}

static void add(const struct wish *wish, int pidfd) {
  if (wish->id == 0) {
    together = (struct limits){.memory = wish->memory, .tasks = wish->tasks};
    return;
  }
  struct watched *one = calloc(1, sizeof *one);
  if (count == room && !(all = realloc(all, (room = room ? room * 2 : 16) * sizeof *all))) abort();
  if (!one) abort();
  one->member.pid = (int)wish->pid;
  one->id = wish->id;
  one->whole = wish->whole != 0;
  one->pidfd = pidfd;
  one->limits = (struct limits){.memory = wish->memory, .tasks = wish->tasks};
  all[count++] = one;
}

static void forget(size_t i) {
  close(all[i]->pidfd);
  free(all[i]);
  memmove(&all[i], &all[i + 1], (--count - i) * sizeof *all);
}

/* False at the end of the conversation. */
static bool listen_to(int channel) {
  for (;;) {
    struct wish wish;
    union {
      char bytes[CMSG_SPACE(sizeof(int))];
      struct cmsghdr head;
    } control;
    struct iovec part = {&wish, sizeof wish};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    int pidfd = -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_type == SCM_RIGHTS) memcpy(&pidfd, CMSG_DATA(head), sizeof pidfd);
    if (got == sizeof wish) add(&wish, pidfd);
  }
}

static void end(int channel, size_t i, struct verdict verdict) {
  struct watched *one = all[i];
  verdict.id = one->id;
  if (!one->ended) say_or_keep(channel, verdict);
  one->ended = true;
  if (one->whole) syscall(SYS_pidfd_send_signal, one->pidfd, SIGKILL, NULL, 0);
  else kill_descendants((int)i);
}

static void judge_one(int channel, size_t i) {
  const struct watched *one = all[i];
  const struct usage *usage = &one->member.usage;
  uint64_t found;
  if (one->ended) end(channel, i, (struct verdict){0}); /* what was made meanwhile */
  else if (one->limits.tasks && usage->tasks > one->limits.tasks)
    end(channel, i, (struct verdict){.kind = TASKS, .found = usage->tasks});
  else if (one->limits.memory && usage->resident > one->limits.memory &&
           (found = proportional_of((int)i, usage->resident)) > one->limits.memory)
    end(channel, i, (struct verdict){.kind = MEMORY, .found = found});
}

static uint64_t amount(const struct watched *one, enum kind kind) {
  return kind == TASKS ? one->member.usage.tasks : one->member.usage.resident;
}

/* Of all together the one that has the most has to go. */
static void judge_all(int channel, const struct usage *sum) {
  enum kind kind = NOTHING;
  uint64_t found = sum->tasks;
  if (together.tasks && sum->tasks > together.tasks) kind = TASKS;
  else if (together.memory && sum->resident > together.memory &&
           (found = proportional_of(ALL_MEMBERS, sum->resident)) > together.memory) kind = MEMORY;
  if (kind == NOTHING) return;
  size_t most = 0;
  for (size_t i = 1; i < count; i++)
    if (amount(all[i], kind) > amount(all[most], kind)) most = i;
  end(channel, most, (struct verdict){.kind = kind, .found = found, .shared = 1});
}

/* Milliseconds to the next look; -1 when there is nothing to look at. */
static int look(int channel) {
  int64_t began = now_us();
  if (count == 0) return -1;
  bool sees = measure_all((struct member *const *)(void *)all, count);
  struct usage sum = {0, 0};
  int soonest = 10000;
  for (size_t i = 0; i < count; i++) {
    struct watched *one = all[i];
    struct pollfd process = {one->pidfd, POLLIN, 0};
    bool lives = poll(&process, 1, 0) == 0;
    /* it does not run yet, or we are blind: then nothing would hold any more */
    if (lives && (!sees || !one->member.found)) {
      end(channel, i, (struct verdict){.kind = BLIND});
      continue;
    }
    judge_one(channel, i);
    if (!one->told) one->told = say(channel, (struct verdict){.id = one->id});
    sum.resident += one->member.usage.resident;
    sum.tasks += one->member.usage.tasks;
  }
  judge_all(channel, &sum);
  int64_t took = now_us() - began;
  for (size_t i = 0; i < count; i++) {
    int wait = pause_ms(&all[i]->limits, &all[i]->member.usage, took);
    if (wait < soonest) soonest = wait;
  }
  int wait = pause_ms(&together, &sum, took);
  return wait < soonest ? wait : soonest;
}

int watch_group(int channel) {
  for (;;) {
    say_kept(channel);
    int wait = look(channel);
    struct pollfd *fds = calloc(count + 1, sizeof *fds);
    if (!fds) abort();
    fds[0] = (struct pollfd){channel, kept_count ? POLLIN | POLLOUT : POLLIN, 0};
    for (size_t i = 0; i < count; i++) fds[i + 1] = (struct pollfd){all[i]->pidfd, POLLIN, 0};
    int got = poll(fds, count + 1, wait);
    if (got < 0 && errno != EINTR) return 1;
    if (got > 0)
      for (size_t i = count; i-- > 0;)
        if (fds[i + 1].revents) forget(i);
    bool goes_on = got <= 0 || !(fds[0].revents & ~POLLOUT) || listen_to(channel);
    free(fds);
    if (!goes_on) return 0;
  }
}
