/* The library that koffi loads: kernel calls Node has no names for. No policy. All return -errno on failure. */
#ifndef USNEA_LIB_H
#define USNEA_LIB_H

#include <stdint.h>

/* Wishes in the descriptor list of usnea_spawn besides a number. */
enum { USNEA_NULL = -1, USNEA_PIPE_IN = -2, USNEA_PIPE_OUT = -3 };

/* A sealed, executable memory copy of the file; a container cannot write to it through /proc/PID/exe. */
int usnea_open_init(const char *path);

/*
 * Starts init. fds[i] becomes descriptor i of init, which are kept for the container; the conversation and the plan come
 * after them. On return fds[i] is our end of a pipe, or -1, and *control our end of the conversation. Returns the pid.
 */
int usnea_spawn(int init_fd, const void *plan, uint32_t size, int32_t *fds, int count, int32_t *control);

/* wait4(2) of one child: its pid, 0 when it still runs (block = 0). The status is as wait(2) packs it. */
int usnea_wait(int pid, int block, int32_t *status);

int usnea_flock(int fd, int operation);
int usnea_mkfifo(const char *path, uint32_t mode);
int usnea_pidfd_open(int pid);
int usnea_pidfd_send_signal(int pidfd, int signal);
int usnea_pidfd_wait(int pidfd, int timeout_ms);
int usnea_dup(int fd);

#endif
