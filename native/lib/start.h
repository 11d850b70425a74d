/* What is common to starting an init and to giving the rest of its plan to one that waits. */
#ifndef USNEA_START_H
#define USNEA_START_H

#include <fcntl.h>
#include <stdint.h>

enum { MAX_FDS = 4096, ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* What one start holds; every descriptor is closed by start_release() unless it was handed over. */
struct start {
  int count, plan, control[2], null;
  int child[MAX_FDS];  /* becomes 0 … count-1 of init */
  int parent[MAX_FDS]; /* our end of a pipe, or -1 */
  unsigned char ours[MAX_FDS];
};

/* Opens what the wishes of usnea_spawn say, and seals the plan. Returns an errno; release() is due in any case. */
int start_open(struct start *start, const int32_t *fds, int count);
int start_seal(struct start *start, const void *plan, uint32_t size);
void start_release(struct start *start, int failed);
/* A child was started by this thread: what it leaves behind is collected when it ends. */
void start_noted(void);

/* memfd_create(2), close-on-exec, with sealing. */
int memory_file(const char *name, unsigned flags);

#endif
