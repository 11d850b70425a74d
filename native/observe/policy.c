/* What the observer is told when it starts. It comes from our own side; broken it is refused all the same. */
#include "observe.h"

#include <string.h>

static bool take(const unsigned char **at, const unsigned char *end, size_t size, size_t count) {
  if (count > (size_t)(end - *at) / size) return false;
  *at += size * count;
  return true;
}

/* {kind, length, bytes, NUL}: NULL at the end. */
static const char *next_rule(const unsigned char **at, const unsigned char *end, uint32_t head[2]) {
  if (end - *at < (ptrdiff_t)(2 * sizeof *head)) return NULL;
  memcpy(head, *at, 2 * sizeof *head);
  const unsigned char *text = *at + 2 * sizeof *head;
  if (head[1] >= (size_t)(end - text) || text[head[1]] != 0) return NULL;
  *at = text + head[1] + 1;
  return (const char *)text;
}

const char *read_policy(const unsigned char *bytes, size_t size, struct policy *policy) {
  const unsigned char *at = bytes + sizeof policy->head, *end = bytes + size;
  if (size < sizeof policy->head) return "it is cut";
  memcpy(&policy->head, bytes, sizeof policy->head);
  if (policy->head.sum != PLAN_SUM) return "it is of another build";
  policy->program = (const struct sock_filter *)at;
  if (!take(&at, end, sizeof *policy->program, policy->head.instructions)) return "the filter is cut";
  policy->own = (const struct sock_filter *)at;
  if (!take(&at, end, sizeof *policy->own, policy->head.own)) return "our own filter is cut";
  policy->calls = (const struct call *)at;
  if (!take(&at, end, sizeof *policy->calls, policy->head.calls)) return "the calls are cut";
  policy->ports = (const uint32_t *)at;
  if (!take(&at, end, sizeof *policy->ports, policy->head.ports)) return "the ports are cut";
  policy->rules = at;
  policy->end = end;
  uint32_t head[2];
  for (uint32_t i = 0; i < policy->head.rules; i++)
    if (!next_rule(&at, end, head)) return "the rules are cut";
  return NULL;
}

const struct call *find_call(const struct policy *policy, const struct seccomp_data *data) {
  for (uint32_t i = 0; i < policy->head.calls; i++)
    if (policy->calls[i].number == (uint32_t)data->nr && policy->calls[i].arch == data->arch) return &policy->calls[i];
  return NULL;
}

bool has_rule(const struct policy *policy, uint32_t kind, const char *path) {
  const unsigned char *at = policy->rules;
  uint32_t head[2];
  for (const char *place; (place = next_rule(&at, policy->end, head)) != NULL;)
    if (head[0] == kind && is_beneath(path, place)) return true;
  return false;
}

bool has_port(const struct policy *policy, uint32_t port) {
  for (uint32_t i = 0; i < policy->head.ports; i++)
    if (policy->ports[i] == port) return true;
  return false;
}
