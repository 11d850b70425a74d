/* The plan: what init was told to do. Decoded once, before the first clone, so that nothing allocates later. */
#ifndef USNEA_PLAN_H
#define USNEA_PLAN_H

#include <stddef.h>
#include <stdint.h>

enum phase { PHASE_outer, PHASE_birth, PHASE_inner, PHASE_rootfs, PHASE_pivot, PHASE_process, PHASE_last, PHASE_any };

enum op_code {
#define OP(name, phase, arguments) OP_##name,
#define MESSAGE(name, direction)
#include "../plan.def"
#undef OP
#undef MESSAGE
  OP_COUNT
};

enum message {
  MESSAGE_none,
#define OP(name, phase, arguments)
#define MESSAGE(name, direction) MESSAGE_##name,
#include "../plan.def"
#undef OP
#undef MESSAGE
  MESSAGE_COUNT
};

struct string_list {
  uint64_t count;
  char **items; /* NULL-terminated, as execve(2) wants it */
};

/* Every argument takes one 8-byte slot, so that one decoder fills all of these structures. */
#define U64(n) uint64_t n;
#define STR(n) const char *n;
#define LIST(n) const struct string_list *n;
#define OP(name, phase, arguments) struct op_##name { arguments char unused; };
#define MESSAGE(name, direction)
#include "../plan.def"
#undef OP
#undef MESSAGE
#undef U64
#undef STR
#undef LIST

union slot {
  uint64_t number;
  const char *string;
  const struct string_list *list;
};

struct op {
  enum op_code code;
  const void *args; /* struct op_NAME */
};

struct plan {
  uint32_t count;
  struct op *ops;
  struct block *blocks; /* everything that was allocated, newest first */
};

/* The words of a refusal; NULL means the plan is good. The bytes must live as long as the plan: strings point into them. */
const char *plan_decode(const void *bytes, size_t size, struct plan *plan);
/* The same for the rest of a plan that ended with `rest`: nothing but what belongs to one command. */
const char *plan_decode_rest(const void *bytes, size_t size, struct plan *plan);
void plan_free(struct plan *plan);

enum { PLAN_MAX_OPS = 8192 };
#define PLAN_MAX_SIZE ((size_t)64 << 20)

extern const char *const op_names[];

#endif
