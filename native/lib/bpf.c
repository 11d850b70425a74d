/* The guard of devices of cgroup v2: a program attached to the cgroup. bpf(2) */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "usnea.h"

static int bpf(int command, union bpf_attr *attr) {
  return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int load(const void *code, uint32_t size) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insns = (uint64_t)(uintptr_t)code;
  attr.insn_cnt = size / sizeof(struct bpf_insn);
  attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
  return bpf(BPF_PROG_LOAD, &attr);
}

/* How many programs of the kind are attached to the very cgroup, and the descriptor of one of them. */
static int attached(int cgroup, uint32_t *count, int *program) {
  uint32_t ids[64] = {0};
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.query.target_fd = (uint32_t)cgroup;
  attr.query.attach_type = BPF_CGROUP_DEVICE;
  attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
  attr.query.prog_cnt = sizeof ids / sizeof *ids;
  *program = -1;
  if (bpf(BPF_PROG_QUERY, &attr) < 0) return -errno;
  *count = attr.query.prog_cnt;
  if (*count == 0) return 0;
  union bpf_attr by_id;
  memset(&by_id, 0, sizeof by_id);
  by_id.prog_id = ids[0];
  *program = bpf(BPF_PROG_GET_FD_BY_ID, &by_id);
  return *program < 0 ? -errno : 0;
}

/*
 * The only program there is taken for ours and replaced; of several nobody says which is, and ours comes beside them.
 * Without BPF_F_REPLACE (before 5.6) the new program is attached beside the old one, which is then taken off.
 */
int usnea_guard_devices(int cgroup, const void *code, uint32_t size) {
  uint32_t count = 0;
  int old = -1;
  int result = attached(cgroup, &count, &old);
  if (result < 0) return result;
  int program = load(code, size);
  if (program < 0) {
    result = -errno;
    if (old >= 0) close(old);
    return result;
  }
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.target_fd = (uint32_t)cgroup;
  attr.attach_bpf_fd = (uint32_t)program;
  attr.attach_type = BPF_CGROUP_DEVICE;
  attr.attach_flags = BPF_F_ALLOW_MULTI;
  if (count == 1) {
    attr.attach_flags |= BPF_F_REPLACE;
    attr.replace_bpf_fd = (uint32_t)old;
  }
  result = bpf(BPF_PROG_ATTACH, &attr) < 0 ? -errno : 0;
  if (result == -EINVAL && count == 1) {
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    attr.replace_bpf_fd = 0;
    result = bpf(BPF_PROG_ATTACH, &attr) < 0 ? -errno : 0;
    if (result == 0) {
      attr.attach_bpf_fd = (uint32_t)old;
      attr.attach_flags = 0;
      result = bpf(BPF_PROG_DETACH, &attr) < 0 ? -errno : 0;
    }
  }
  close(program);
  if (old >= 0) close(old);
  return result;
}
