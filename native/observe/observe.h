/*
 * usnea-observe: sees what a command in a sandbox is denied. It stands outside, holds the listener of the command's filter,
 * and decides nothing but what it is told to: a call that the filter of the sandbox refuses gets the errno of that filter,
 * any other goes on in the kernel, where the mounts, Landlock and the kernel itself say yes or no.
 */
#ifndef USNEA_OBSERVE_H
#define USNEA_OBSERVE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a call does, and so how its arguments are read: src/sandbox/denials/watched.ts has the same order. */
enum action {
  OPEN = 1, OPEN_HOW, MAKE_FILE, LOOK, LOOK_HERE, RUN, CREATE, REMOVE, RENAME, LINK, CHANGE, WRITE_TO, CONNECT, SEND, SEND_MESSAGE,
  BIND, SIGNAL, ENTER
};

struct call {
  uint32_t arch, number;
  /* indices of arguments; -1: there is none. `extra`: flags, or the size of an address */
  int8_t action, dir, path, extra, dir2, path2, spare[2];
};

enum { LEARNS = 1, HAS_LANDLOCK = 2, OWN_PROC = 4, OWN_NETWORK = 8, FIXED_ROOT = 16 };
enum net { NET_ANY, NET_NONE, NET_PORTS, NET_FILTERED, NET_FILTERED_IPV4 };
enum { RULE_READ = 'r', RULE_WRITE = 'w', RULE_HIDE = 'h' };
enum { PORT_BIND = 1 << 16 };

/* A memory file from the library: this, then instructions, ours, calls, ports, and rules as {kind, length, bytes, NUL}. */
struct wish {
  uint32_t sum, flags, net, instructions, calls, ports, rules, own;
};

struct policy {
  struct wish head;
  const struct sock_filter *program, *own;
  const struct call *calls;
  const uint32_t *ports;
  const unsigned char *rules, *end;
};

enum kind { FILE_KIND = 1, NETWORK_KIND, CALL_KIND, PROCESS_KIND, LOST_KIND, END_KIND };

/* One record on the pipe, little-endian as the machine: the head, then `size` bytes of a path or an address. */
struct record {
  uint32_t size, kind, access, errnum;
  uint32_t pid, number, arch, count;
  uint64_t time_ms, args[2];
  char command[16];
};

/* confine.c: what the filter of our own knows, too; src/sandbox/denials/confined.ts has the same numbers. */
enum { LISTENER_FD = 0, OUT_FD = 1 };
enum { WAY_NAME, WAY_FOLLOW, WAYS };
#define WAYS_AT 0x200000ul
/* 0 or errno. From here on the listener and the pipe are the only descriptors, with these numbers. */
int confine(const struct policy *policy, int listener, int out);

/* filter.c: what the filter of the sandbox says of a call; anything that it should not hold is a refusal. Pure. */
uint32_t run_filter(const struct sock_filter *program, uint32_t count, const struct seccomp_data *data);

/* policy.c: pure. NULL, or what is wrong. */
const char *read_policy(const unsigned char *bytes, size_t size, struct policy *policy);
const struct call *find_call(const struct policy *policy, const struct seccomp_data *data);
/* Is the path one of the rules of that kind, or in one of them? */
bool has_rule(const struct policy *policy, uint32_t kind, const char *path);
bool has_port(const struct policy *policy, uint32_t port);

/* text.c: pure. Joins paths; `..` stays, as what it means is the kernel's to say. False when it does not fit. */
bool join_path(char *out, size_t size, const char *base, const char *path);
bool is_beneath(const char *path, const char *place);
/* The number in /proc/N… ; 0 when it is no such path. */
unsigned process_in(const char *path);
void climb(char *path);
/* What means the process itself, and would mean us: what it stands for, and what follows. */
enum own { IS_OTHER, IS_ITSELF, IN_ROOT, IN_CWD, IN_FD };
enum own own_place(const char *path, int *fd, const char **rest);

enum { PATH_SIZE = 4096 };

struct caller {
  int pid; /* a thread */
  uint64_t id;
};

/* memory.c */
ptrdiff_t read_memory(int pid, uint64_t at, void *out, size_t size);
/* A small file, as text. Its length; 0: there is none. */
size_t read_file(const char *name, char *text, size_t size);
bool read_string(int pid, uint64_t at, char *out, size_t size);
bool is_alive(const struct caller *caller);

/* view.c: a path as the caller has it. */
struct view {
  int errnum; /* of finding it */
  int fd;     /* O_PATH, or -1 */
  int parent; /* of the last name, or -1 */
  char text[PATH_SIZE];
};
void keep_root(bool fixed);
/* VIEW_UNNAMED: of what is there neither the whole path nor its directory is looked for, until name_view(). */
enum { VIEW_FOLLOW = 1, VIEW_UNNAMED = 2 };
bool look_at(struct view *view, const struct caller *caller, int dirfd, const char *path, unsigned how);
void name_view(struct view *view, const struct caller *caller);
void let_go(struct view *view);
/* Is there something of that name outside of the sandbox? */
bool is_outside(const char *path);

/* judge.c and network.c: what the kernel will say, or -1: it is denied and looks as if it were not. */
struct ask {
  const struct policy *policy;
  const struct call *call;
  const struct seccomp_data *data;
  struct caller caller;
};
void judge(const struct ask *ask);
void judge_file(const struct ask *ask, int dirfd, const char *path, uint32_t access);
void judge_address(const struct ask *ask, uint64_t at, uint64_t size, uint32_t access);
/* process.c */
void judge_signal(const struct ask *ask, int target);
bool is_foreign(const struct ask *ask, int pid);
bool is_guarded(const char *path);

enum access { READ = 1, WRITE = 2, EXECUTE = 4, MAKE = 8, TAKE_AWAY = 16, STAT = 32, CHANGE_IT = 64, CONNECT_TO = 128, BIND_TO = 256, SEND_TO = 512, NOFOLLOW = 1024, SIGNAL_IT = 2048, SEARCH = 4096 };

/* report.c */
void tell(const struct ask *ask, enum kind kind, uint32_t access, int errnum, const void *bytes, size_t size);
void finish_report(void);

#endif
