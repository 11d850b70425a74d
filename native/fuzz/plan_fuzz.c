/* Any bytes at all must be decoded or refused, never crash init. The sum is patched in so that the fuzzer gets past it. */
#include "../init/plan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy) return 0;
  if (size) memcpy(copy, data, size);
  const uint32_t sum = PLAN_SUM;
  const uint32_t whole = (uint32_t)size;
  if (size >= 16) {
    memcpy(copy, "USNEAPL1", 8);
    memcpy(copy + 8, &sum, 4);
    memcpy(copy + 12, &whole, 4);
  }
  struct plan plan = {0};
  plan_decode(copy, size, &plan);
  plan_free(&plan);
  plan_decode_rest(copy, size, &plan);
  plan_free(&plan);
  free(copy);
  return 0;
}
