/* Processes as /proc shows them: proc_pid_stat(5), proc_pid_statm(5), proc_pid_smaps(5), namespaces(7). */
#define _GNU_SOURCE
#include "watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 2000 };
enum { NOBODY = -1, NOT_KNOWN = -2, BEING_ASKED = -3 };
enum place { UNKNOWN, ASKED, OUTSIDE, INSIDE };

static struct process {
  int pid, parent, tasks;
  enum place place;
  int owner; /* of measure_all: the place of the member, or one of those below */
} *processes;
static size_t count, room;
static int proc = -1;

/* The file of a process as a string; its length, or -1 when the process is gone. */
static ssize_t slurp(int pid, const char *name, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "%d/%s", pid, name);
  int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t got = read(fd, text, size - 1);
  close(fd);
  if (got >= 0) text[got] = '\0';
  return got;
}

/* The name in brackets may hold anything: what counts comes after the last one. */
static bool read_stat(int pid, struct process *process) {
  char text[1024];
  if (slurp(pid, "stat", text, sizeof text) <= 0) return false;
  char *at = strrchr(text, ')');
  *process = (struct process){.pid = pid, .owner = NOBODY};
  return at && sscanf(at + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d", &process->parent,
                      &process->tasks) == 2;
}

static bool in_namespace(int pid, ino_t wanted) {
  char path[32];
  struct stat found;
  snprintf(path, sizeof path, "%d/ns/pid", pid);
  return fstatat(proc, path, &found, 0) == 0 && found.st_ino == wanted;
}

static int by_pid(const void *a, const void *b) {
  return ((const struct process *)a)->pid - ((const struct process *)b)->pid;
}

static struct process *find(int pid) {
  struct process key = {.pid = pid};
  return bsearch(&key, processes, count, sizeof key, by_pid);
}

/* Nested pid namespaces have other names, so up the chain of parents; each link is walked once. A torn chain may be a ring. */
static void settle(struct process *process) {
  struct process *at = process;
  while (at && at->place == UNKNOWN) {
    at->place = ASKED;
    at = find(at->parent);
  }
  enum place answer = at && at->place == INSIDE ? INSIDE : OUTSIDE;
  for (at = process; at && at->place == ASKED; at = find(at->parent)) at->place = answer;
}

/* Until the program runs its namespaces are closed to who is not root: then only descendants are known, and that is all of it. */
static ino_t namespace_of(int init) {
  static ino_t known;
  struct stat found;
  char path[32];
  snprintf(path, sizeof path, "%d/ns/pid", init);
  if (fstatat(proc, path, &found, 0) == 0) known = found.st_ino;
  return known;
}

/* All processes, sorted. False when /proc cannot be read. */
static bool list_all(void) {
  if (proc < 0) proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int again = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *directory = again < 0 ? NULL : fdopendir(again);
  if (!directory) return false;
  count = 0;
  for (struct dirent *entry; (entry = readdir(directory));) {
    int pid = atoi(entry->d_name);
    if (pid <= 0) continue;
    if (count == room) {
      struct process *more = realloc(processes, (room = room ? room * 2 : 256) * sizeof *more);
      if (!more) abort();
      processes = more;
    }
    if (read_stat(pid, &processes[count])) count++;
  }
  closedir(directory);
  qsort(processes, count, sizeof *processes, by_pid);
  return true;
}

static bool list(int init) {
  bool found = false;
  if (!list_all()) return false;
  ino_t wanted = namespace_of(init);
  for (size_t i = 0; i < count; i++) {
    int pid = processes[i].pid;
    if (pid == init) found = true;
    if (pid == init || (wanted && in_namespace(pid, wanted))) processes[i].place = INSIDE;
  }
  return found;
}

static uint64_t resident(int pid) {
  char text[128];
  unsigned long pages = 0;
  if (slurp(pid, "statm", text, sizeof text) > 0) sscanf(text, "%*u %lu", &pages);
  return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool measure(int init, struct usage *usage) {
  *usage = (struct usage){0, 0};
  if (!list(init)) return false;
  for (size_t i = 0; i < count; i++) {
    settle(&processes[i]);
    if (processes[i].place != INSIDE) continue;
    usage->resident += resident(processes[i].pid);
    usage->tasks += (uint64_t)(processes[i].tasks > 0 ? processes[i].tasks : 1);
  }
  return true;
}

static uint64_t share_of(int pid) {
  char text[2048];
  unsigned long kib;
  char *line = slurp(pid, "smaps_rollup", text, sizeof text) > 0 ? strstr(text, "\nPss:") : NULL;
  return line && sscanf(line, "\nPss: %lu kB", &kib) == 1 ? (uint64_t)kib * 1024 : resident(pid);
}

static bool counts(const struct process *process, int owner) {
  if (owner == NOBODY) return process->place == INSIDE || process->owner >= 0;
  return process->owner == owner;
}

/* In a child: the read takes a lock of the process that is looked at, and who holds that for ever must not stop us. */
static uint64_t share_of_all(int owner, uint64_t resident) {
  int ends[2];
  uint64_t sum = 0;
  if (pipe2(ends, O_CLOEXEC) != 0) return resident;
  pid_t child = fork();
  if (child == 0) {
    for (size_t i = 0; i < count; i++)
      if (counts(&processes[i], owner)) sum += share_of(processes[i].pid);
    _exit(write(ends[1], &sum, sizeof sum) == sizeof sum ? 0 : 1);
  }
  close(ends[1]);
  struct pollfd answer = {ends[0], POLLIN, 0};
  bool known = child > 0 && poll(&answer, 1, PATIENCE_MS) > 0 && read(ends[0], &sum, sizeof sum) == sizeof sum;
  close(ends[0]);
  if (child > 0 && !known) kill(child, SIGKILL);
  return known ? sum : resident;
}

uint64_t proportional(const struct usage *usage) { return share_of_all(NOBODY, usage->resident); }

uint64_t proportional_of(int member, uint64_t resident) { return share_of_all(member, resident); }

/* As `settle`, for the owner. */
static void find_owner(struct process *process) {
  struct process *at = process;
  while (at && at->owner == NOT_KNOWN) {
    at->owner = BEING_ASKED;
    at = find(at->parent);
  }
  int answer = at && at->owner >= 0 ? at->owner : NOBODY;
  for (at = process; at && at->owner == BEING_ASKED; at = find(at->parent)) at->owner = answer;
}

bool measure_all(struct member *const *members, size_t number) {
  if (!list_all()) return false;
  for (size_t i = 0; i < count; i++) processes[i].owner = NOT_KNOWN;
  for (size_t i = 0; i < number; i++) {
    struct process *first = find(members[i]->pid);
    members[i]->usage = (struct usage){0, 0};
    members[i]->found = first != NULL;
    if (first) first->owner = (int)i;
  }
  for (size_t i = 0; i < count; i++) {
    struct process *process = &processes[i];
    find_owner(process);
    if (process->owner < 0) continue;
    struct member *member = members[process->owner];
    member->usage.resident += resident(process->pid);
    /* the first process is ours, and not counted */
    if (process->pid != member->pid) member->usage.tasks += (uint64_t)(process->tasks > 0 ? process->tasks : 1);
  }
  return true;
}

void kill_descendants(int member) {
  for (size_t i = 0; i < count; i++) {
    const struct process *process = &processes[i];
    const struct process *parent = process->owner == member ? find(process->parent) : NULL;
    if (parent && parent->owner == member) kill(process->pid, SIGKILL);
  }
}
