/*
 * What quick reads: its arguments, and the texts of files. Pure, and fuzzed. The shortcut of a container is written by
 * src/container/shortcut.ts: a line `usnea-quick-1`, then `name=value`, each ended by a NUL, and `end=` last.
 */
#ifndef USNEA_SHORTCUT_H
#define USNEA_SHORTCUT_H

#include <stdbool.h>
#include <stddef.h>

enum verb { START, STATE, KILL, DELETE, PAUSE, RESUME, VERBS };

struct call {
  enum verb verb;
  int verb_at; /* its place among the words */
  const char *root, *log; /* NULL when they are not given */
  const char *id;
  int signal;
  bool all, force;
};

/* False for every word, spelling or value that is not among the few that are known here. */
bool read_call(int count, char *const *words, struct call *call);
/* Absolute, and nothing to resolve in it: what Node makes of such a path is the same path. */
bool is_plain_path(const char *path);

enum { MOST_HOMES = 32 };

struct home {
  int made; /* so many of the last names of the path are ours to remove */
  unsigned long long inode; /* tells it from a later one at the same path */
  const char *path;
};

struct shortcut {
  const char *of;      /* dev:inode:size:ctime of the state.json that it is true of */
  const char *id, *boot, *pid, *born;
  const char *freezer; /* directory of the v1 freezer */
  const char *freeze;  /* directory of the v2 cgroup */
  const char *head, *middle, *tail; /* of the text of `state` */
  const char *go;      /* what start says to init */
  bool is_private;     /* its pid namespace is its own: who ends the first process ends all */
  bool may_delete;
  struct home homes[MOST_HOMES];
  int home_count;
};

/* The text, which stays in use. False when it is not whole, or has anything that is not known here. */
bool read_shortcut(const char *text, size_t size, struct shortcut *shortcut);

struct fate {
  char state;
  long threads;
  char born[24]; /* clock ticks after boot, as text */
};

/* proc_pid_stat(5); `text` ends with a NUL. */
bool read_stat(const char *text, struct fate *fate);

/* passwd(5): the first name of a user. 1 found, 0 not there, -1 not to be shown without a thought. */
int find_user(const char *text, unsigned uid, char *name, size_t room);

#endif
