/* What signals do to init: nothing that our caller decided, and as PID 1 what they do to every other process. */
#include "init.h"

#include <signal.h>
#include <unistd.h>

/* Our caller may have blocked or ignored any of them, and both survive execve(2). */
void reset_signals(void) {
  sigset_t none;
  for (int sig = 1; sig < NSIG; sig++) signal(sig, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void end(int sig) { _exit(128 + sig); }

/* signal(7): these do not end a process by default. */
static bool ends(int sig) {
  return sig != SIGKILL && sig != SIGSTOP && sig != SIGCHLD && sig != SIGCONT && sig != SIGURG && sig != SIGWINCH &&
         sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU;
}

/*
 * The kernel drops a signal to the PID 1 of a namespace that has no handler for it, pid_namespaces(7). Before the program
 * runs that would be every one, and nothing but SIGKILL could end a container that was created. execve(2) sets handlers
 * back, so the program begins without them, and a signal just before it is not lost.
 */
void end_on_signals(void) {
  if (getpid() != 1) return;
  for (int sig = 1; sig < NSIG; sig++)
    if (ends(sig)) signal(sig, end);
}
