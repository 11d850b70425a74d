/* Runs the plan, op after op, and takes the step from the outer process to the container's first one. */
#include "init.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static int run_op(struct context *ctx, const struct op *op) {
  switch (op->code) {
#define OP(name, phase, arguments) case OP_##name: return run_##name(ctx, op->args);
#define MESSAGE(name, direction)
#include "../plan.def"
#undef OP
#undef MESSAGE
  case OP_COUNT: break;
  }
  return EINVAL;
}

void run_plan(struct context *ctx) {
  for (; ctx->at < ctx->plan->count; ctx->at++) {
    int error = run_op(ctx, &ctx->plan->ops[ctx->at]);
    if (error) report_failure(ctx, error);
  }
  _exit(1); /* the decoder saw to it that the last op never returns */
}

/*
 * The first process of the container. CLONE_PARENT makes it the child of our caller and not of us, so that a shim or
 * conmon that is a subreaper inherits it, and nothing of ours stays between.
 */
int run_born(struct context *ctx, const struct op_born *op) {
  int pid = sys_clone(op->flags | CLONE_PARENT);
  if (pid < 0) return errno;
  if (pid == 0) {
    end_on_signals();
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno; /* whoever shares our pids may not trace us */
  }
  _exit(send_frame(ctx->control, MESSAGE_pid_born, pid, 0) ? 1 : 0);
}
