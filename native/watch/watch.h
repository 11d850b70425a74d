/* What stands in for a cgroup where there is none: counts what a container uses, and ends it when that is too much. */
#ifndef USNEA_WATCH_H
#define USNEA_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The file that it shares with the commands: they write the limits, it writes what it has seen. 0 is no limit. */
struct limits {
  uint64_t memory, tasks;  /* bytes, threads */
  uint64_t exceeded, found; /* enum kind, and how much it was */
};
enum kind { NOTHING, MEMORY, TASKS };

struct usage {
  uint64_t resident; /* bytes, pages that are shared counted for each: never less than what is used */
  uint64_t tasks;
};

/* usage.c: what is in the pid namespace of this process, and all that descends from it. False when /proc is closed to us. */
bool measure(int init, struct usage *usage);
/* Of what was measured last: shared pages divided among those who share them. As long as that is not known: `resident`. */
uint64_t proportional(const struct usage *usage);

/*
 * The same for several at once, each with all that descends from its first process, which is alone of its kind there: a
 * sandbox has a pid namespace that nobody enters, or adopts its orphans.
 */
struct member {
  int pid;
  struct usage usage;
  bool found;
};
bool measure_all(struct member *const *members, size_t count);
/* Of that member, by its place in the list; of all of them together: ALL_MEMBERS. */
enum { ALL_MEMBERS = -1 };
uint64_t proportional_of(int member, uint64_t resident);
/* SIGKILL for all of them but the first process. */
void kill_descendants(int member);

/* pace.c: milliseconds until the next look: the sooner the nearer a limit is, never more than a fiftieth of a processor. */
int pause_ms(const struct limits *limits, const struct usage *usage, int64_t took_us);
int64_t now_us(void);

/* group.c: `usnea-watch LABEL SOCKET` */
int watch_group(int channel);

#endif
