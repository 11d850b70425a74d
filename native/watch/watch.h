/* What stands in for a cgroup where there is none: counts what a container uses, and ends it when that is too much. */
#ifndef USNEA_WATCH_H
#define USNEA_WATCH_H

#include <stdbool.h>
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

#endif
