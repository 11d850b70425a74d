/*
 * containerd-shim-usnea-v2: holds a container, or a group of them, when everything else has died. One process of about a
 * megabyte waits, copies and answers. Whatever blocks is done by a worker: a fork that does one call from beginning to
 * end, runs the runtime, tells the result and is gone.
 */
#ifndef USNEA_SHIM_H
#define USNEA_SHIM_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#include "frame.h"
#include "loop.h"
#include "message.h"

enum status { CREATED = 1, RUNNING = 2, STOPPED = 3, PAUSED = 4, PAUSING = 5 };

/* Where an answer goes. Connections are named by number, so one that is gone is never taken for another. */
struct reply_to {
  uint64_t connection; /* 0: nobody asked */
  uint32_t stream;
};

struct waiter {
  struct waiter *next;
  struct reply_to to;
};

enum { LANES = 3 };

/* What is between a process and the paths that containerd named. -1 what is not there. */
struct stdio {
  int child[3];          /* the process's side, until it was started */
  int from_host, held;   /* the fifo of stdin, and its other end, so that a client may go and another come */
  int to_host[2];
  int logger_reads[2];     /* what the logger reads */
  int console;             /* the master of its terminal */
  struct lane *lanes[LANES];
};

struct process {
  struct process *next;
  struct container *container;
  char *id, *in, *out, *err; /* id: of the exec, "" of init */
  bool terminal;
  int pid, logger;
  uint32_t exit_status;
  int64_t exited_at;
  bool started;
  bool is_busy;   /* a call that changes it is on its way */
  bool holds_end; /* its end is told after what is on its way: its start, a checkpoint */
  bool is_reaped; /* it has ended, and only we know */
  bool has_exited;
  struct stdio io;
  struct waiter *waiters;
  struct any spec;
};

struct container {
  struct container *next;
  char *id, *bundle, *checkpoint;
  struct process init, *execs;
  struct options options;
  bool has_inner_mounts; /* not only at the rootfs */
  bool is_made, is_paused, is_pausing, ends_all, is_ending_all;
  char *cgroups; /* /proc/PID/cgroup of init */
  struct oom {
    struct watch watch;
    struct timer again;
    uint64_t seen;
    char *path;
  } oom;
};

/* What a worker tells. The payload follows it in the same message. */
struct result {
  enum code code;
  int pid, logger;
  char message[1536];
};

struct call {
  struct call *next;
  struct reply_to to;
  enum method method;
  struct request request;
  struct container *container; /* NULL while it waits for its turn */
  struct process *process;
  struct watch watch;          /* the worker's result */
  struct buffer told;          /* a struct result, then its payload */
  int told_fd;
  int worker;                  /* 0 when it needs none */
  struct timer patience;       /* of a deletion: what is still to be written is waited for */
  int rounds;
  bool is_done;
};

struct shim {
  char *space, *id, *containerd, *publisher, *bundle, *socket, *action;
  const char *ttrpc; /* "" when containerd takes no events that way */
  bool debug, wants_info, wants_version, is_stopping;
  char runtime[PATH_MAX]; /* bin/usnea */
  char socket_path[128];  /* "" when it is none of ours to remove */
};
extern struct shim shim;

/* log.c */
void tell(const char *level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* server.c */
void open_server(int listening);
void answer(struct reply_to to, struct buffer *payload);
void refuse(struct reply_to to, enum code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool has_unsent(void);

/* service.c: what is known at once is answered, the rest becomes a call. */
void serve(struct reply_to to, const struct call_envelope *envelope);

/* calls.c */
/* The request is taken. */
void take_call(struct reply_to to, enum method method, struct request *request);
void end_call(struct call *call);
/* Answers the deletions that have nothing more to wait for. */
void settle_deletes(void);
bool has_calls(void);
bool has_creation(void);
bool is_worker(int pid);
/* Ends every process of a container whose init is gone. */
void end_all(struct container *container);

/* begin.c: what must be so before a worker is started; false when it was answered. finish.c: what is so afterwards. */
bool begin(struct call *call);
void finish(struct call *call, const struct result *result, struct buffer *payload, int fd);

/* worker.c */
typedef void work(struct call *call, struct result *result, struct buffer *payload, int *fd);
bool start_worker(struct call *call, void (*ready)(struct watch *watch, uint32_t events));
bool set_failure(struct result *result, enum code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void keep_only(const int *fds, int count);
/* work_*.c */
work work_create, work_start, work_delete, work_pause, work_resume, work_kill, work_pids, work_checkpoint, work_update,
  work_stats;

/* table.c */
extern struct container *containers;
struct container *find_container(const char *id);
struct process *find_process(struct container *container, const char *exec_id);
struct process *find_pid(int pid);
struct container *add_container(struct request *request);
struct process *add_exec(struct container *container, struct request *request);
void remove_container(struct container *container);
void remove_exec(struct process *process);
enum status status_of(const struct process *process);
bool is_good_id(const char *id);

/* ends.c */
void open_reaper(void);
/* The exit of a process that a worker made may have come before its result. */
void find_early_end(struct process *process);
void kill_now(const struct process *process, int sig);
void forget_early_ends(void);
void publish_ends(struct container *container);
void wake_waiters(struct process *process);
void put_exit(struct buffer *buffer, const struct process *process);

/* stdio.c, lanes.c */
bool open_stdio(struct process *process, const struct options *options, char *why, size_t room);
void attach_console(struct process *process, int console);
void close_child_side(struct stdio *io);
void close_stdio(struct process *process);
bool is_drained(const struct process *process);
void close_input(struct process *process);
void release_input(struct process *process);
void hurry(struct lane *lane);
void clear_stdio(struct stdio *io);
enum lane_kind { LANE_INPUT, LANE_OUTPUT };
struct lane *open_lane(enum lane_kind kind, struct process *owner, int from, int to);
void begin_outputs(struct process *process);
void close_lane(struct lane *lane);
bool is_moving(struct lane *lane); /* something came through since the last question */

/* logger.c: binary:// */
bool start_logger(struct process *process, struct result *result);
size_t decode_percent(const char *text, size_t size, char *into, size_t room);

/* events.c, publish.c */
void publish(const char *topic, const char *type, struct buffer *event);
bool has_events(void);
bool events_are_stuck(void);
void open_events(void);
int run_publisher(const char *topic, const struct buffer *any);
void publisher_ended(int pid, int status);

/* oom.c, cgroup.c */
void watch_oom(struct container *container);
void check_oom(struct container *container);
void unwatch_oom(struct container *container);
char *read_cgroups(int pid);
bool cgroup_path(const char *cgroups, const char *controller, char *path, size_t room);
bool is_unified(void);

/* runtime.c */
struct command {
  const struct container *container;
  const char *argv[48];
  int argc;
  int stdio[3];  /* -1: /dev/null, and what is said on stderr is the reason of a failure */
  struct buffer *output;
};
void begin_command(struct command *command, const struct container *container, const char *verb);
void add(struct command *command, const char *argument);
void add_if(struct command *command, const char *option, const char *value);
/* False and the result set when it failed; `what` says of whom the reason is. */
bool run(struct command *command, const char *what, struct result *result);
void runtime_root(const struct options *options, char *root, size_t room);
bool read_file(const char *path, struct buffer *into, size_t most);

/* mounts.c */
bool mount_all(const struct container *container, const struct request *request, struct result *result);
void unmount_rootfs(const char *bundle, bool is_thorough);

/* console.c */
struct console_socket {
  int fd;
  char directory[108], path[108];
};
bool open_console_socket(struct console_socket *socket, struct result *result);
int receive_console(struct console_socket *socket, struct result *result);
void close_console_socket(struct console_socket *socket);

/* address.c, probe.c */
bool shim_address(const char *group, char path[128], char *why, size_t room);
int bind_address(const char *path, bool *is_shared, char *why, size_t room);
bool is_shim(int fd, char *why, size_t room);
void sha256_hex(const char *text, char hex[65]);

/* start.c, delete.c, info.c, resident.c */
int start_shim(void);
int delete_dead(void);
int print_info(void);
int stay(void);
bool save_options(const struct container *container, const struct any *any);
bool load_options(const char *bundle, struct options *options, bool *is_there);
void forget_options(const char *bundle);
/* Both NULL or a reason why the options of a request are not ours. */
const char *read_options(const struct any *any, struct options *options);
const char *find_runtime(void);

#endif
