/* The library that koffi loads: kernel calls Node has no names for. No policy. All return -errno on failure. */
#ifndef USNEA_LIB_H
#define USNEA_LIB_H

#include <stdint.h>

#include "../init/plan.h" /* the numbers of the messages */

/* Wishes in the descriptor list of usnea_spawn besides a number. */
enum { USNEA_NULL = -1, USNEA_PIPE_IN = -2, USNEA_PIPE_OUT = -3 };

/* A sealed, executable memory copy of the file; a container cannot write to it through /proc/PID/exe. */
int usnea_open_init(const char *path);
/* That of init, opened once and kept. */
int usnea_sealed_init(const char *path);

/*
 * Starts init. fds[i] becomes descriptor i of init, which are kept for the container; the conversation and the plan come
 * after them. On return fds[i] is our end of a pipe, or -1, and *control our end of the conversation. Returns the pid.
 * `label`: what lists of processes show of it as long as it is init; empty for none.
 */
int usnea_spawn(int init_fd, const void *plan, uint32_t size, int32_t *fds, int count, int32_t *control, const char *label);

/*
 * For an init whose plan ended with `rest`: what it does next, and with which three streams, wished as for usnea_spawn. On
 * return fds holds our ends of pipes. -EPIPE or -ECONNRESET: it is gone, and nothing was started.
 */
int usnea_send_rest(int control, const void *plan, uint32_t size, int32_t *fds);

/* wait4(2) of one child: its pid, 0 when it still runs (block = 0). The status is as wait(2) packs it. */
int usnea_wait(int pid, int block, int32_t *status);

/* A detached copy of the mount at a directory, without what is mounted below: open_tree(2). */
int usnea_copy_tree(const char *path);

/* Shows a detached tree (open_tree(2)), or only its top, through the ids of a user namespace: mount_setattr(2). */
int usnea_map_tree(int tree, int userns, int recursive);

/*
 * Takes an entry of the directory away, with what is in it, up to some levels deep. Descriptors are held, so no link that
 * somebody puts in the way meanwhile is followed. One that is not there is removed.
 */
int usnea_remove_tree(const char *directory, const char *name);

int usnea_flock(int fd, int operation);
int usnea_mkfifo(const char *path, uint32_t mode);
int usnea_pidfd_open(int pid);
int usnea_pidfd_send_signal(int pidfd, int signal);

/* poll(2) for input, also the end of a process on its pidfd: 1, or 0 at the time-out (milliseconds, -1 waits for ever). */
int usnea_wait_readable(int fd, int timeout_ms);

/* A connection to the unix stream socket at that path. -ENOTSOCK when it is none; -ETIMEDOUT when nobody makes room for us. */
int usnea_connect(const char *path, int timeout_ms);

/* A listening unix stream socket of that name in the directory, non-blocking; only its owner may connect. */
int usnea_listen(const char *directory, const char *name);

/* The same for a datagram socket: the system log, the journal, a service manager. */
int usnea_connect_datagram(const char *path, int timeout_ms);

/* One message, with `count` descriptors (16 at most); `size` is not 0. A reader that is gone is -EPIPE, never a signal. */
int usnea_send(int socket, const void *data, uint32_t size, const int32_t *fds, int count);

/* Two ends of a socket of packets, close-on-exec: socketpair(2) with SOCK_SEQPACKET. */
int usnea_packet_pair(int32_t *ends);

/*
 * What one read gives: the number of bytes (0 at the end), and in fds the descriptors that came along, close-on-exec, -1
 * behind them. More than `count` is -EMSGSIZE, and then none is kept.
 */
int usnea_receive(int socket, void *data, uint32_t size, int32_t *fds, int count);

/*
 * Signals from before there is somebody to hand them to. usnea_catch_signals: from now on they are kept; those of the
 * given kind interrupt what is made. usnea_interruption: the first of these that has come, or 0. usnea_wait_uninterrupted:
 * waits for input; 1, or 0 when such a signal has come, now or before.
 */
enum { USNEA_INTERRUPT_NONE, USNEA_INTERRUPT_ENDING /* HUP, INT, QUIT, TERM */, USNEA_INTERRUPT_ALL /* but CONT */ };
int usnea_catch_signals(int which);
int usnea_interruption(void);
int usnea_wait_uninterrupted(int fd);

/*
 * From now on signals go to `pid`, or as messages into `control` when that is not -1. `has_terminal`: the receiver is in
 * our session, so what the terminal sends (SI_KERNEL) reaches it anyway. Those that were kept go there first. At the
 * stop those that nobody was given are raised again, with what they did before us.
 */
int usnea_forward_signals(int pid, int control, int has_terminal);
int usnea_stop_forwarding(void);

/* Gives the terminal of a container (its master) the window size of ours. */
void usnea_fit_terminal(int console);

/*
 * Copies our stdin to fds[0], and fds[1] and fds[2] to our stdout and stderr, or with a terminal everything to and from
 * `console`, until the child has ended and its output is out; closes them. 1 with the status as wait(2) packs it, or 0
 * when it still runs after so many milliseconds (-1: for ever): call again to go on. Our terminal is in raw mode
 * meanwhile, where the container has one.
 */
int usnea_attend(int pid, const int32_t *fds, int console, int timeout_ms, int32_t *status);

/*
 * In the middle of an attendance: the program at `path` (usnea-attend) goes on with it in this process, and runs the
 * words (each with its NUL) at the end. Returns only when that failed; then usnea_attend goes on.
 */
int usnea_hand_over(const char *path, const char *words, uint32_t size);
struct attendance;
const struct attendance *usnea_attendance(void);
/* Its bytes in a memory file, for another process. */
int write_state(const struct attendance *attendance);

/*
 * sd_notify(3). A datagram socket in the directory, for the container; what comes there is filtered and goes on to
 * `host`, as $NOTIFY_SOCKET names it. usnea_relay: from this process, as long as it attends. usnea_relay_aside: from a
 * small one (usnea-attend at `path`) that ends once the container `pid` is ready or has ended, and has nothing of ours
 * open; `label` is what lists of processes show of it. usnea_notify sends a text of our own. None of them blocks.
 */
int usnea_bind_notify(const char *directory, const char *name);
int usnea_relay(int fd, const char *host);
int usnea_relay_aside(const char *path, int fd, const char *host, int pid, const char *label);
int usnea_notify(const char *host, const char *text);

/*
 * usnea-watch (at `path`) beside the container `pid`: ends it when it uses more than the limits in `file` say. Returns
 * when it has looked once; -EPERM where it may not look. It ends with the container.
 */
int usnea_watch_aside(const char *path, int pid, int file, const char *label);

/* Starts usnea-watch for the sandboxes of a program, at one end of a pair of packets: native/watch/group.c. */
int usnea_watch_group(const char *path, int channel, const char *label);

/*
 * usnea-observe (at `path`) beside a sandbox that is to be made: `wish` is what native/observe/observe.h says. On return
 * ends[0] is the end of the channel for init, and ends[1] where its records are read; both close-on-exec.
 */
int usnea_observe_aside(const char *path, const void *wish, uint32_t size, int32_t *ends);

/*
 * Puts a device program (struct bpf_insn) on a cgroup2 directory. A single one that is there is taken for ours and replaced
 * in one step; where there are several they stay, and the kernel then wants the yes of all.
 */
int usnea_guard_devices(int cgroup, const void *code, uint32_t size);

/*
 * Moves a network device between two network namespaces (descriptors) and renames it; `up` brings it up where it arrives.
 * report[0] is the last step that was tried, report[1] whether the device was up before.
 */
enum { USNEA_LINK_FIND = 1, USNEA_LINK_READ, USNEA_LINK_DOWN, USNEA_LINK_MOVE, USNEA_LINK_ENTER, USNEA_LINK_ADDRESS, USNEA_LINK_UP };
int usnea_move_link(const char *name, const char *new_name, int from, int to, int up, int32_t *report);

/* The version of Landlock, from 1 on; -ENOSYS or -EOPNOTSUPP where there is none, -EPERM where a filter around us hides it. */
int usnea_landlock_abi(void);

/*
 * SO_PEERCRED of unix(7): who connected, or, at the connecting end, who listened. who[0] is the pid, 0 when it is not of
 * our pid namespace; who[1] the user, as our namespace sees it.
 */
int usnea_peer(int socket, int32_t *who);

/*
 * trees.c. usnea_open_directory: an O_PATH descriptor of an absolute path without a link in it. usnea_open_beneath: never
 * leaves `dir`, follows no link, crosses no mount. The others name a file as /proc/self/fd/N/NAME and follow no link in
 * NAME. usnea_rename takes the flags of renameat2(2). usnea_seek_data: where the next data are from `from` on, which is then
 * the position of `fd`; -ENXIO when there are none.
 */
int usnea_open_directory(const char *path);
int usnea_open_beneath(int dir, const char *path, uint32_t flags);
int usnea_list_xattrs(const char *path, void *names, uint32_t size);
int usnea_get_xattr(const char *path, const char *name, void *value, uint32_t size);
int usnea_set_xattr(const char *path, const char *name, const void *value, uint32_t size);
int usnea_remove_xattr(const char *path, const char *name);
int usnea_sync_file_system(int fd);
int64_t usnea_seek_data(int fd, int64_t from);
int usnea_rename(const char *from, const char *to, uint32_t flags);

#endif
