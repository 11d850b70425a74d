/*
 * usnea-quick: the calls that an engine makes all the time, without starting Node. It does what src/container does in
 * the same order and under the same lock, for a container whose shortcut says that nothing else is to be done. On any
 * doubt, and for every error, it becomes Node, with the words it was given: there the words of all errors are.
 */
#ifndef USNEA_QUICK_H
#define USNEA_QUICK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shortcut.h"

/* What a verb says besides an exit status. */
enum { NODE = -1 };

enum status { STOPPED, CREATED, RUNNING, PAUSED, UNKNOWN };

struct container {
  const char *root, *id;
  int beside, directory; /* of all containers and of this one; O_PATH */
  struct shortcut shortcut;
  int pid;
  enum status status;
};

/* The state directory, or NULL when it takes more than a look to choose it. */
const char *choose_root(const struct call *call);

/* place.c: whole small files; the size, or -1 with errno. What is longer than the room is EFBIG. The text gets a NUL. */
ssize_t read_at(int directory, const char *name, char *into, size_t room);
bool write_at(const char *directory, const char *name, const char *value);
bool file_says(const char *directory, const char *name, const char *word);

/* container.c: 1 opened, 0 there is none, -1 Node is to look. */
int open_container(struct container *container);
bool lock_container(const struct container *container);
/* Has our directory its name still? Somebody else may have removed it, and made another one of that name. */
bool is_in_place(const struct container *container);
/* Reads the shortcut and finds out the status. */
bool load_container(struct container *container);
bool is_alive(const struct container *container);
bool is_frozen(const struct container *container);

/* remove.c: left-overs of deletes that were killed half-way. */
bool sweep(const char *root);
/* Frees the id in one step, then deletes what was in its directory. */
bool remove_container(const struct container *container);

/* One file each, but pause and resume. `answer` is what the gate said, when Node is to read that. */
int run_start(struct container *container, char *answer, size_t room);
int run_state(struct container *container);
int run_kill(struct container *container, const struct call *call);
int run_delete(struct container *container, bool force);
int run_pause(struct container *container);
int run_resume(struct container *container);

void wait_ms(int milliseconds);

#endif
