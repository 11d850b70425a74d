/*
 * Between OCI create and start. Two fifos in the state directory: start writes the word (and the state for hooks) into
 * the one, and reads from the other: end of file when the program runs, a failure frame when it cannot.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int run_gate(struct context *ctx, const struct op_gate *op) {
  fcntl((int)op->start_fd, F_SETFD, FD_CLOEXEC);
  fcntl((int)op->result_fd, F_SETFD, FD_CLOEXEC);
  close(ctx->control);
  ctx->control = (int)op->start_fd;
  const struct op_wait go = {.message = MESSAGE_go};
  ctx->result = (int)op->result_fd;
  return run_wait(ctx, &go);
}
