/* The filter of the sandbox, run over the registers that the kernel has copied: the same program, so the same answer. */
#include "observe.h"

#include <string.h>

enum { REFUSED = SECCOMP_RET_KILL_PROCESS };

uint32_t run_filter(const struct sock_filter *program, uint32_t count, const struct seccomp_data *data) {
  uint32_t value = 0;
  for (uint32_t at = 0; at < count; at++) { /* every jump goes forward */
    const struct sock_filter *step = &program[at];
    bool yes;
    switch (step->code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (step->k > sizeof *data - sizeof value || step->k % sizeof value) return REFUSED;
        memcpy(&value, (const char *)data + step->k, sizeof value);
        continue;
      case BPF_ALU | BPF_AND | BPF_K: value &= step->k; continue;
      case BPF_RET | BPF_K: return step->k;
      case BPF_JMP | BPF_JA:
        if (step->k >= count) return REFUSED;
        at += step->k;
        continue;
      case BPF_JMP | BPF_JEQ | BPF_K: yes = value == step->k; break;
      case BPF_JMP | BPF_JGT | BPF_K: yes = value > step->k; break;
      case BPF_JMP | BPF_JGE | BPF_K: yes = value >= step->k; break;
      default: return REFUSED;
    }
    at += yes ? step->jt : step->jf;
  }
  return REFUSED;
}
