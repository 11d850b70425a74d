/*
 * Decoder of the flat plan. Layout, all little-endian:
 *
 *   "USNEAPL1"  u32 sum of plan.def  u32 total size  u32 ops  u32 pool offset
 *   ops: u32 code, u32 argument count, then one u64 an argument
 *        number: the value · string: offset and length · list: offset (4-aligned) and count of offset/length pairs
 *   pool: strings, each with a NUL after it that its length does not count
 *
 * Nothing here trusts the bytes: every bound is checked, and a plan out of order is refused.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(void *) == 8 && sizeof(union slot) == 8, "slots are eight bytes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the plan is little-endian");

const char *const op_names[] = {
#define OP(name, phase, arguments) #name,
#define MESSAGE(name, direction)
#include "../plan.def"
#undef OP
#undef MESSAGE
};

/* The argument kinds of every op, as a string of u, s and l. */
#define U64(n) "u"
#define STR(n) "s"
#define LIST(n) "l"
static const struct { const char *kinds; enum phase phase; } shapes[] = {
#define OP(name, phase, arguments) {"" arguments, PHASE_##phase},
#define MESSAGE(name, direction)
#include "../plan.def"
#undef OP
#undef MESSAGE
};
#undef U64
#undef STR
#undef LIST

struct header {
  char magic[8];
  uint32_t sum, size, ops, pool;
};

struct block {
  struct block *next;
  union slot data[];
};

/* Lists may overlap in the pool, so what they ask for is bounded apart from the plan's own size. */
#define MAX_LIST_ITEMS ((uint64_t)1 << 20)

struct reader {
  const unsigned char *bytes;
  size_t size, at, pool;
  uint64_t list_items;
  struct plan *plan;
};

static void *allocate(struct plan *plan, size_t count, size_t width) {
  struct block *block = calloc(1, sizeof *block + count * width);
  if (!block) return NULL;
  block->next = plan->blocks;
  plan->blocks = block;
  return block->data;
}

void plan_free(struct plan *plan) {
  for (struct block *next; plan->blocks; plan->blocks = next) {
    next = plan->blocks->next;
    free(plan->blocks);
  }
}

static uint64_t get(const struct reader *r, size_t at, size_t width) {
  uint64_t value = 0;
  memcpy(&value, r->bytes + at, width);
  return value;
}

/* The string at offset/length of the pool, or NULL. */
static const char *string_at(const struct reader *r, uint64_t offset, uint64_t length) {
  if (offset < r->pool || offset >= r->size || length >= r->size - offset) return NULL;
  const char *text = (const char *)r->bytes + offset;
  if (text[length] != '\0' || memchr(text, '\0', length) != NULL) return NULL;
  return text;
}

static const struct string_list *list_at(struct reader *r, uint64_t offset, uint64_t count) {
  if (offset < r->pool || offset > r->size || offset % 4 != 0 || count > (r->size - offset) / 8) return NULL;
  if ((r->list_items += count) > MAX_LIST_ITEMS) return NULL;
  struct string_list *list = allocate(r->plan, 1, sizeof *list);
  char **items = allocate(r->plan, count + 1, sizeof *items);
  if (!list || !items) return NULL;
  for (uint64_t i = 0; i < count; i++) {
    const char *text = string_at(r, get(r, offset + 8 * i, 4), get(r, offset + 8 * i + 4, 4));
    if (!text) return NULL;
    items[i] = (char *)(uintptr_t)text;
  }
  *list = (struct string_list){count, items};
  return list;
}

static const char *read_args(struct reader *r, const char *kinds, union slot *slots) {
  for (size_t i = 0; kinds[i]; i++) {
    uint64_t low = get(r, r->at, 4), high = get(r, r->at + 4, 4);
    r->at += 8;
    if (kinds[i] == 'u') {
      slots[i].number = low | high << 32;
    } else if (kinds[i] == 's') {
      if (!(slots[i].string = string_at(r, low, high))) return "a string is out of bounds";
    } else if (!(slots[i].list = list_at(r, low, high))) {
      return "a list is out of bounds";
    }
  }
  return NULL;
}

static const char *read_op(struct reader *r, struct op *op) {
  if (r->pool - r->at < 8) return "it is truncated";
  uint64_t code = get(r, r->at, 4), argc = get(r, r->at + 4, 4);
  r->at += 8;
  if (code >= OP_COUNT) return "an op is unknown";
  const char *kinds = shapes[code].kinds;
  size_t want = strlen(kinds);
  if (argc != want) return "an op has the wrong number of arguments";
  if ((r->pool - r->at) / 8 < want) return "it is truncated";
  union slot *slots = allocate(r->plan, want, sizeof *slots);
  if (!slots) return "memory is short";
  *op = (struct op){(enum op_code)code, slots};
  return read_args(r, kinds, slots);
}

/* The order is the safety: a mount after the capabilities are gone, or an op after the last one, is a broken plan. */
static const char *check_order(const struct plan *plan, enum phase now) {
  unsigned births = now > PHASE_birth, roots = 0, foreign_roots = 0, pivots = 0;
  for (uint32_t i = 0; i < plan->count; i++) {
    enum phase phase = shapes[plan->ops[i].code].phase;
    enum op_code code = plan->ops[i].code;
    if (now == PHASE_last) return "an op comes after the last one";
    if (phase == PHASE_any) continue;
    if (phase < now) return "its ops are out of order";
    now = phase;
    births += phase == PHASE_birth;
    pivots += code == OP_pivot;
    if (code == OP_root || code == OP_root_scratch || code == OP_root_here) roots++;
    if (code == OP_root || code == OP_root_scratch) foreign_roots++;
    else if (phase == PHASE_rootfs && code != OP_root_here && roots == 0 && code != OP_hold && code != OP_hold_overlay)
      return "an op needs a root before it";
    if (phase > PHASE_birth && births == 0) return "an op comes before the birth";
    if (phase > PHASE_pivot && foreign_roots != pivots) return "a new root and its pivot do not match";
  }
  if (births > 1 || roots > 1 || pivots > 1) return "an op that may stand once stands twice";
  if (now != PHASE_last) return "it has no end";
  return NULL;
}

static const char *check_messages(const struct plan *plan) {
  for (uint32_t i = 0; i < plan->count; i++) {
    const struct op *op = &plan->ops[i];
    if (op->code != OP_say && op->code != OP_wait) continue;
    uint64_t message = ((const struct op_say *)op->args)->message;
    if (message == MESSAGE_none || message >= MESSAGE_COUNT) return "a message is unknown";
  }
  return NULL;
}

static const char *decode(const void *bytes, size_t size, struct plan *plan) {
  struct header header;
  if (size < sizeof header || size > PLAN_MAX_SIZE) return "its size is impossible";
  memcpy(&header, bytes, sizeof header);
  if (memcmp(header.magic, "USNEAPL1", 8) != 0) return "it is no plan";
  if (header.sum != PLAN_SUM) return "it was made from another plan.def";
  if (header.size != size || header.pool < sizeof header || header.pool > size) return "it is truncated";
  if (header.ops == 0 || header.ops > PLAN_MAX_OPS) return "it has no ops, or too many";
  *plan = (struct plan){0};
  struct reader reader = {bytes, size, sizeof header, header.pool, 0, plan};
  plan->ops = allocate(plan, header.ops, sizeof *plan->ops);
  if (!plan->ops) return "memory is short";
  plan->count = header.ops;
  for (uint32_t i = 0; i < header.ops; i++) {
    const char *refusal = read_op(&reader, &plan->ops[i]);
    if (refusal) return refusal;
  }
  if (reader.at != reader.pool) return "it has bytes that belong to nothing";
  return check_messages(plan);
}

const char *plan_decode(const void *bytes, size_t size, struct plan *plan) {
  const char *refusal = decode(bytes, size, plan);
  return refusal ? refusal : check_order(plan, PHASE_outer);
}

const char *plan_decode_rest(const void *bytes, size_t size, struct plan *plan) {
  const char *refusal = decode(bytes, size, plan);
  if (refusal) return refusal;
  for (uint32_t i = 0; i < plan->count; i++)
    if (plan->ops[i].code == OP_rest) return "the rest of a plan has no rest";
  return check_order(plan, PHASE_process);
}
