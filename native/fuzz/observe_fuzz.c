/*
 * What the observer of a hostile command reads: its policy, the registers of a call against a filter, and paths. Never a
 * crash, and a filter that is no filter refuses.
 */
#define _GNU_SOURCE
#include "../observe/observe.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT = 256 };

static void check_text(const char *path) {
  char out[PATH_SIZE];
  const char *rest = NULL;
  int fd = 0;
  if (!join_path(out, sizeof out, "/base", path)) return;
  if (out[0] != '/' || strstr(out, "//") || strlen(out) > strlen(path) + sizeof "/base/") abort();
  enum own own = own_place(out, &fd, &rest);
  if (own != IS_OTHER && own != IS_ITSELF && (rest < out || rest > out + strlen(out))) abort();
  process_in(out);
  climb(out);
  if (out[0] != '/' || strstr(out, "/../")) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct policy policy;
  struct seccomp_data registers = {0};
  char text[TEXT];
  size_t length = size < sizeof text ? size : sizeof text - 1;
  memcpy(text, data, length);
  text[length] = 0;
  check_text(text);
  uint64_t room[1024]; /* a mapping is aligned */
  if (size > sizeof room) return 0;
  memcpy(room, data, size);
  if (read_policy((const unsigned char *)room, size, &policy)) return 0;
  memcpy(&registers, data, size < sizeof registers ? size : sizeof registers);
  uint32_t verdict = run_filter(policy.program, policy.head.instructions, &registers);
  if (policy.head.instructions == 0 && verdict != SECCOMP_RET_KILL_PROCESS) abort();
  find_call(&policy, &registers);
  has_rule(&policy, RULE_HIDE, text);
  has_port(&policy, 443);
  return 0;
}
