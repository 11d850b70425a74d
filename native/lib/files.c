/* Locks and fifos. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "usnea.h"

int usnea_flock(int fd, int operation) { return flock(fd, operation) == 0 ? 0 : -errno; }

int usnea_mkfifo(const char *path, uint32_t mode) { return mkfifo(path, mode) == 0 ? 0 : -errno; }
