/* How the kernel treats the process: CPUs, scheduling, I/O priority, memory nodes, execution domain. */
#include "init.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_BITS = 8192, WORD = 8 * sizeof(unsigned long), IOPRIO_WHO_PROCESS = 1 };

struct bits {
  unsigned long words[MAX_BITS / WORD];
};

/* Numbers of CPUs or nodes, as decimal text. */
static int read_bits(const struct string_list *list, struct bits *bits) {
  memset(bits, 0, sizeof *bits);
  for (uint64_t i = 0; i < list->count; i++) {
    unsigned long number = strtoul(list->items[i], NULL, 10);
    if (number >= MAX_BITS) return ERANGE;
    bits->words[number / WORD] |= 1ul << number % WORD;
  }
  return 0;
}

/* No CPUs named: all that the cpuset allows. The caller's own affinity is none of the container's. */
int run_affinity(struct context *ctx, const struct op_affinity *op) {
  struct bits bits;
  int error = read_bits(op->cpus, &bits);
  if (error) return error;
  if (op->cpus->count == 0) memset(&bits, 0xff, sizeof bits);
  if (syscall(SYS_sched_setaffinity, 0, sizeof bits, &bits) == 0) return 0;
  return op->cpus->count == 0 ? 0 : errno;
}

int run_scheduler(struct context *ctx, const struct op_scheduler *op) {
  const struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attr = {48, (uint32_t)op->policy, op->flags, (int32_t)op->nice, (uint32_t)op->priority, op->runtime, op->deadline, op->period};
  return syscall(SYS_sched_setattr, 0, &attr, 0) == 0 ? 0 : errno;
}

int run_io_priority(struct context *ctx, const struct op_io_priority *op) {
  return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, (int)op->value) == 0 ? 0 : errno;
}

int run_memory_policy(struct context *ctx, const struct op_memory_policy *op) {
  struct bits bits;
  int error = read_bits(op->nodes, &bits);
  if (error) return error;
  bool empty = op->nodes->count == 0;
  /* set_mempolicy(2) counts one bit less than it is told */
  long got = syscall(SYS_set_mempolicy, (int)op->mode, empty ? NULL : bits.words, empty ? 0ul : 1025ul);
  return got == 0 ? 0 : errno;
}

int run_personality(struct context *ctx, const struct op_personality *op) {
  return personality((unsigned long)op->persona) < 0 ? errno : 0;
}
