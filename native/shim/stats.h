/* Numbers out of the files of a cgroup, into a message. What is not there is 0. */
#ifndef USNEA_SHIM_STATS_H
#define USNEA_SHIM_STATS_H

#include "shim.h"

/* `name` is a file of one number, or FILE:KEY of lines `KEY number`. */
struct count {
  uint8_t field;
  const char *name;
};

uint64_t count_of(const char *directory, const char *name);
/* Up to the entry without a name. */
void put_counts(struct buffer *into, const char *directory, const struct count *counts);
/* Calls for each line of a file. */
void each_line(const char *directory, const char *name, void (*take)(const char *line, struct buffer *into), struct buffer *into);

bool put_stats_v1(struct buffer *metrics, const char *cgroups);
bool put_stats_v2(struct buffer *metrics, const char *cgroups);

#endif
