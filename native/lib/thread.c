/*
 * Worker threads of Node end without a word: no JavaScript of theirs runs then. Closing their descriptors ends what they
 * started, but a dead child would stay until the whole program ends. Their last act collects it, here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "start.h"

/* The kernel ends the tree of a first process in less than a millisecond; a child that others started may live on. */
#define PATIENCE_MS 250
#define STEP_MS 2

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int have_key;

/* Only children of this thread, for whom nobody waits any more: a parent is a thread, and this one ends. */
static void collect(void *unused) {
  const struct timespec step = {0, STEP_MS * 1000 * 1000};
  for (int waited = 0; waited < PATIENCE_MS;) {
    pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL | __WNOTHREAD);
    if (pid > 0) continue;
    if (pid < 0 && errno != EINTR) return;
    nanosleep(&step, NULL);
    waited += STEP_MS;
  }
}

static void make_key(void) {
  have_key = pthread_key_create(&key, collect) == 0;
}

void start_noted(void) {
  if ((pid_t)syscall(SYS_gettid) == getpid()) return;
  pthread_once(&once, make_key);
  if (have_key) pthread_setspecific(key, &key);
}
