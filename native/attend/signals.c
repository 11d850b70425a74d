/*
 * Signals to us are meant for the container, except those about our own terminal, which the loop answers. They are
 * caught before there is a container. What comes that early is kept: it goes to the container as soon as there is one,
 * or interrupts its making, or is dealt with at the end as it would have been without us.
 */
#define _GNU_SOURCE
#include "attend.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../init/plan.h" /* the numbers of the messages */
#include "../lib/usnea.h"

enum { LAST_SIGNAL = 64 };

static volatile int target_pid, target_control = -1, shares_terminal, is_deaf;
static atomic_int wanted_resize, wanted_stop, wanted_resume;
static int wake = -1;
static struct sigaction saved[LAST_SIGNAL + 1];
static bool is_catching;
static int interrupting;    /* one of USNEA_INTERRUPT_… */
static int interrupted = -1; /* readable once such a signal has come */
static _Atomic uint64_t early; /* bit n-1: signal n, from before there was a target */
static struct terminal *guarded;

static void rouse(atomic_int *what) {
  const uint64_t one = 1;
  atomic_store(what, 1);
  if (write(wake, &one, sizeof one) < 0) return; /* it is readable already */
}

static bool has_target(void) { return target_control >= 0 || target_pid > 0; }

/*
 * Only kill(2) and write(2): both are safe here. signal-safety(7) Each target is looked at once: another thread may take
 * it away meanwhile, and kill(0) would reach all of our process group.
 */
static void deliver(int sig) {
  const struct { uint32_t message, size; int32_t a, b; } frame = {MESSAGE_signal, 0, sig, 0};
  int pid = target_pid, control = target_control;
  if (control >= 0 && write(control, &frame, sizeof frame) < 0) return; /* the sandbox has ended */
  if (control < 0 && pid > 0) kill(pid, sig);
}

static bool interrupts(int sig) {
  if (interrupting == USNEA_INTERRUPT_ALL) return sig != SIGCONT;
  return interrupting == USNEA_INTERRUPT_ENDING && (sig == SIGHUP || sig == SIGINT || sig == SIGQUIT || sig == SIGTERM);
}

static bool take_early(int sig) { return atomic_fetch_and(&early, ~(1ull << (sig - 1))) >> (sig - 1) & 1; }

static void keep(int sig) {
  const uint64_t one = 1;
  if (saved[sig].sa_handler == SIG_IGN) return;
  atomic_fetch_or(&early, 1ull << (sig - 1));
  if (interrupts(sig) && write(interrupted, &one, sizeof one) < 0) return; /* it is readable already */
}

static void hand_on(int sig, siginfo_t *info, void *unused) {
  (void)unused;
  int error = errno;
  if (shares_terminal && info->si_code == SI_KERNEL) return; /* it got this one from the terminal itself */
  if (sig == SIGCONT) rouse(&wanted_resume);
  if (has_target()) deliver(sig);
  else if (!is_deaf) {
    keep(sig);
    if (has_target() && take_early(sig)) deliver(sig); /* another thread has set it meanwhile, and may not have seen ours */
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

int usnea_catch_signals(int which) {
  struct sigaction action = {.sa_sigaction = hand_on, .sa_flags = SA_RESTART | SA_SIGINFO};
  sigfillset(&action.sa_mask);
  if (wake < 0) wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (interrupted < 0) interrupted = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0 || interrupted < 0) return -errno;
  interrupting = which;
  for (int sig = 1; !is_catching && sig <= LAST_SIGNAL; sig++)
    if (!is_ours(sig)) sigaction(sig, &action, &saved[sig]);
  is_catching = true;
  return 0;
}

int usnea_interruption(void) {
  for (int sig = 1; sig <= LAST_SIGNAL; sig++)
    if (atomic_load(&early) >> (sig - 1) & 1 && interrupts(sig)) return sig;
  return 0;
}

/* Who has been given a signal meanwhile is not interrupted by it any more. */
int usnea_wait_uninterrupted(int fd) {
  struct pollfd fds[2] = {{fd, POLLIN, 0}, {interrupted, POLLIN, 0}};
  for (;;) {
    uint64_t count;
    int got = poll(fds, 2, -1);
    if (got < 0 && errno != EINTR) return -errno;
    if (got > 0 && fds[1].revents == 0) return 1;
    if (got > 0 && usnea_interruption()) return 0;
    if (got > 0 && read(interrupted, &count, sizeof count) < 0 && errno != EAGAIN) return -errno;
  }
}

int usnea_forward_signals(int pid, int control, int has_terminal) {
  int error = usnea_catch_signals(USNEA_INTERRUPT_NONE);
  if (error) return error;
  target_pid = pid;
  target_control = control;
  shares_terminal = has_terminal;
  for (int sig = 1; sig <= LAST_SIGNAL; sig++)
    if (take_early(sig)) deliver(sig);
  return 0;
}

int usnea_stop_forwarding(void) {
  target_pid = 0;
  target_control = -1;
  for (int sig = 1; is_catching && sig <= LAST_SIGNAL; sig++)
    if (!is_ours(sig)) sigaction(sig, &saved[sig], NULL);
  is_catching = false;
  for (int sig = 1; sig <= LAST_SIGNAL; sig++)
    if (take_early(sig)) raise(sig);
  return 0;
}

void nobody_listens(void) {
  is_deaf = 1;
  target_pid = 0;
}

int wake_fd(void) { return wake; }

/* Emptied first: a signal that comes in between is answered now or the next time, and `wake` never stays readable for nothing. */
struct answers take_answers(void) {
  uint64_t count;
  if (read(wake, &count, sizeof count) < 0) return (struct answers){false, false, false};
  return (struct answers){
    atomic_exchange(&wanted_resize, 0) != 0, atomic_exchange(&wanted_stop, 0) != 0, atomic_exchange(&wanted_resume, 0) != 0};
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
