/* As src/linux/cgroups/freezer.ts. */
#include "quick.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>

enum { PATIENCE = 1000, LONGEST_PAUSE = 20, SOON = 5 };

static bool set(const struct shortcut *shortcut, bool frozen) {
  if (shortcut->freezer) return write_at(shortcut->freezer, "freezer.state", frozen ? "FROZEN" : "THAWED");
  return write_at(shortcut->freeze, "cgroup.freeze", frozen ? "1" : "0");
}

static bool has_stopped(const struct shortcut *shortcut) {
  char path[PATH_MAX], events[256];
  if (shortcut->freezer) return file_says(shortcut->freezer, "freezer.state", "FROZEN");
  int size = snprintf(path, sizeof path, "%s/cgroup.events", shortcut->freeze);
  if (size < 0 || size >= (int)sizeof path || read_at(AT_FDCWD, path, events, sizeof events) < 0) return false;
  return strstr(events, "frozen 1\n") != NULL;
}

/* What does not stop is let go, for Node to try and to tell. */
int run_pause(struct container *container) {
  const struct shortcut *shortcut = &container->shortcut;
  bool has_freezer = shortcut->freezer || shortcut->freeze;
  if (!has_freezer || (container->status != RUNNING && container->status != CREATED)) return NODE;
  if (!set(shortcut, true)) return NODE;
  for (int waited = 0, pause = 0; !has_stopped(shortcut); waited += pause, pause += pause < LONGEST_PAUSE) {
    if (waited > PATIENCE) return set(shortcut, false), NODE;
    /* v1 may stay FREEZING for ever when a process was born in between */
    if (shortcut->freezer && pause > SOON) set(shortcut, true);
    wait_ms(pause);
  }
  return 0;
}

int run_resume(struct container *container) {
  return container->status == PAUSED && set(&container->shortcut, false) ? 0 : NODE;
}
