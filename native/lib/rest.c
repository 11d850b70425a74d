/* The rest of a plan, for an init that waits with everything else done: init/ops_rest.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "start.h"
#include "usnea.h"

enum { STREAMS = 3 };

int usnea_send_rest(int control, const void *plan, uint32_t size, int32_t *fds) {
  static __thread struct start start;
  const struct { uint32_t message, size; int32_t a, b; } frame = {MESSAGE_rest, 0, 0, 0};
  int error = start_open(&start, fds, STREAMS);
  if (!error) error = start_seal(&start, plan, size);
  const int32_t passed[STREAMS + 1] = {start.child[0], start.child[1], start.child[2], start.plan};
  if (!error) error = -usnea_send(control, &frame, sizeof frame, passed, STREAMS + 1);
  start_release(&start, error);
  for (int i = 0; !error && i < STREAMS; i++) fds[i] = start.parent[i];
  return -error;
}
