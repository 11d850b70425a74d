/* Other processes: which are of the sandbox, and which are not. */
#define _GNU_SOURCE
#include "observe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME_SIZE = 64, TEXT_SIZE = 4096, LINK_SIZE = 64 };

/* Field 6 of /proc/PID/stat; the name before it may hold anything. */
static int session_of(int pid) {
  char name[NAME_SIZE], text[TEXT_SIZE];
  snprintf(name, sizeof name, "/proc/%d/stat", pid);
  if (!read_file(name, text, sizeof text)) return -1;
  char *end = strrchr(text, ')');
  int session = -1;
  return end && sscanf(end + 1, " %*c %*d %*d %d", &session) == 1 ? session : -1;
}

/* Its namespace of processes; empty where nobody lets us see it, and then it is none of ours. */
static void namespace_of(int pid, char *link) {
  char name[NAME_SIZE];
  snprintf(name, sizeof name, "/proc/%d/ns/pid", pid);
  ssize_t got = readlink(name, link, LINK_SIZE - 1);
  link[got > 0 ? got : 0] = 0;
}

/* `pid` as we number them. Where the command has a /proc of its own, what it finds there is of its own. */
bool is_foreign(const struct ask *ask, int pid) {
  char own[LINK_SIZE], other[LINK_SIZE];
  if (ask->policy->head.flags & OWN_PROC) return false;
  if (ask->policy->head.flags & HAS_LANDLOCK) return session_of(pid) != session_of(ask->caller.pid);
  namespace_of(ask->caller.pid, own);
  namespace_of(pid, other);
  return strcmp(own, other) != 0;
}

/* What of /proc/N is for those who may trace the process: proc(5). */
bool is_guarded(const char *path) {
  static const char *const names[] = {"auxv", "cwd", "environ", "exe", "fd", "fdinfo", "io", "map_files", "maps", "mem", "ns",
                                      "pagemap", "personality", "root", "smaps", "smaps_rollup", "stack", "syscall"};
  const char *name = strchr(path + 6, '/');
  size_t length = name ? strcspn(name + 1, "/") : 0;
  for (size_t i = 0; length && i < sizeof names / sizeof *names; i++)
    if (strlen(names[i]) == length && strncmp(names[i], name + 1, length) == 0) return true;
  return false;
}

/* By its number inside: the last one of NSpid in /proc/PID/status. */
static int number_inside(int pid) {
  char name[NAME_SIZE], text[TEXT_SIZE];
  snprintf(name, sizeof name, "/proc/%d/status", pid);
  if (!read_file(name, text, sizeof text)) return -1;
  char *line = strstr(text, "\nNSpid:");
  if (!line) return -1;
  line[1 + strcspn(line + 1, "\n")] = 0;
  char *last = strrchr(line, '\t');
  return last ? atoi(last) : -1;
}

static bool is_inside(const char *own, int pid, int number) {
  char other[LINK_SIZE];
  if (pid <= 0) return false;
  namespace_of(pid, other);
  return strcmp(own, other) == 0 && number_inside(pid) == number;
}

/* The outer /proc is shown, which numbers them in another way: each is looked at. */
static bool has_inside(const struct ask *ask, int number) {
  static _Alignas(8) char names[TEXT_SIZE];
  char own[LINK_SIZE];
  bool found = false;
  ssize_t got = 0;
  namespace_of(ask->caller.pid, own);
  int all = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (all >= 0 && !found && (got = syscall(SYS_getdents64, all, names, sizeof names)) > 0)
    for (ssize_t at = 0; !found && at < got;) {
      const struct name { uint64_t inode; int64_t next; unsigned short size; unsigned char type; char text[]; } *name = (const void *)(names + at);
      found = is_inside(own, atoi(name->text), number);
      at += name->size;
    }
  if (all >= 0) close(all);
  return found;
}

static bool has_own(const struct ask *ask, const char *name, int number) {
  static struct view view;
  if (!(ask->policy->head.flags & OWN_PROC)) return has_inside(ask, number);
  if (!look_at(&view, &ask->caller, AT_FDCWD, name, VIEW_FOLLOW)) return true;
  bool found = view.fd >= 0;
  let_go(&view);
  return found;
}

/* A process of its own may be signalled and traced; of the others it has no number, or Landlock stands before them. */
void judge_signal(const struct ask *ask, int target) {
  char name[NAME_SIZE];
  int error = 0;
  if (target <= 0) return;
  snprintf(name, sizeof name, "/proc/%d", target);
  if (!is_outside(name)) return;
  if (ask->policy->head.flags & HAS_LANDLOCK) error = is_foreign(ask, target) ? EPERM : 0;
  else error = has_own(ask, name, target) ? 0 : ESRCH;
  if (error && is_alive(&ask->caller)) tell(ask, PROCESS_KIND, SIGNAL_IT, error, name, strlen(name));
}
