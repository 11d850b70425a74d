/* Signals to us are meant for the container, except those about our own terminal, which the loop answers. */
#define _GNU_SOURCE
#include "attend.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../init/plan.h" /* the numbers of the messages */

enum { LAST_SIGNAL = 64 };

static volatile int target_pid, target_control = -1, shares_terminal;
static volatile int wanted_resize, wanted_stop, wanted_resume;
static int wake = -1;
static struct sigaction saved[LAST_SIGNAL + 1];
static struct terminal *guarded;

static void rouse(volatile int *what) {
  const uint64_t one = 1;
  *what = 1;
  if (write(wake, &one, sizeof one) < 0) return; /* it is readable already */
}

/* Only kill(2) and write(2): both are safe here. signal-safety(7) */
static void hand_on(int sig, siginfo_t *info, void *unused) {
  (void)unused;
  int error = errno;
  if (shares_terminal && info->si_code == SI_KERNEL) return; /* it got this one from the terminal itself */
  if (sig == SIGCONT) rouse(&wanted_resume);
  if (target_control >= 0) {
    const struct { uint32_t message, size; int32_t a, b; } frame = {MESSAGE_signal, 0, sig, 0};
    if (write(target_control, &frame, sizeof frame) < 0) errno = error; /* the sandbox has ended */
  } else if (target_pid > 0) {
    kill(target_pid, sig);
  }
  errno = error;
}

static void answer_here(int sig) {
  int error = errno;
  rouse(sig == SIGWINCH ? &wanted_resize : &wanted_stop);
  errno = error;
}

/*
 * Not: what cannot be caught, faults of our own, our children and pipes, the profiler, the two that libc uses itself,
 * and what only the owner of a terminal should answer.
 */
static bool is_ours(int sig) {
  static const int kept[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGSYS,  SIGTRAP, SIGABRT, SIGCHLD,
                             SIGPIPE, SIGURG,  SIGPROF, SIGWINCH, SIGTTIN, SIGTTOU, SIGTSTP, 32,      33};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (kept[i] == sig) return true;
  return false;
}

int usnea_forward_signals(int pid, int control, int has_terminal) {
  struct sigaction action = {.sa_sigaction = hand_on, .sa_flags = SA_RESTART | SA_SIGINFO};
  sigfillset(&action.sa_mask);
  if (wake < 0) wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  target_pid = pid;
  target_control = control;
  shares_terminal = has_terminal;
  for (int sig = 1; sig <= LAST_SIGNAL; sig++)
    if (!is_ours(sig)) sigaction(sig, &action, &saved[sig]);
  return 0;
}

int usnea_stop_forwarding(void) {
  for (int sig = 1; sig <= LAST_SIGNAL; sig++)
    if (!is_ours(sig)) sigaction(sig, &saved[sig], NULL);
  target_pid = 0;
  target_control = -1;
  return 0;
}

void nobody_listens(void) { target_pid = 0; }

int wake_fd(void) { return wake; }

struct answers take_answers(void) {
  uint64_t count;
  if (!wanted_resize && !wanted_stop && !wanted_resume) return (struct answers){false, false, false};
  if (read(wake, &count, sizeof count) < 0) return (struct answers){false, false, false};
  struct answers answers = {wanted_resize, wanted_stop, wanted_resume};
  wanted_resize = wanted_stop = wanted_resume = 0;
  return answers;
}

/* ---- with a terminal of our own in raw mode ---- */

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT};
enum { FAULTS = sizeof faults / sizeof *faults };
static struct sigaction before[FAULTS];

static void give_back(int sig) {
  leave_raw(guarded);
  for (int i = 0; i < FAULTS; i++) sigaction(faults[i], &before[i], NULL);
  raise(sig); /* SA_NODEFER: it is dealt with at once, as it would have been without us */
}

static void catch_ours(void) {
  struct sigaction action = {.sa_handler = answer_here, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  sigaction(SIGWINCH, &action, NULL);
  sigaction(SIGTSTP, &action, NULL);
}

void guard_terminal(struct terminal *terminal) {
  struct sigaction action = {.sa_handler = give_back, .sa_flags = SA_NODEFER};
  bool first = !guarded;
  guarded = terminal;
  catch_ours();
  for (int i = 0; first && i < FAULTS; i++) sigaction(faults[i], &action, &before[i]);
}

void stop_here(void) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigaction(SIGTSTP, &action, NULL);
  raise(SIGTSTP); /* our own thread, so we stop before it returns */
  catch_ours();
}
