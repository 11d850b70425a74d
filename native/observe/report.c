/*
 * The records. What is the same as before is counted, and told once more at the end with its count; each kind of thing has
 * room of its own, so a flood of one does not cover another. Memory is bounded: what finds no room any more is only counted.
 */
#define _GNU_SOURCE
#include "observe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 4096, ROOM_OF_USES = 65536, KINDS = END_KIND, NAME_SIZE = 64, STATUS_SIZE = 4096, MOST_TELLING = 63 };
/* Of each kind; all in all 16 MiB, as four kinds are kept, and what evens them out. Paths may be long. */
enum { BYTES = 1 << 20, BYTES_OF_USED_FILES = 9 << 20, ALL = 18 << 20, EVEN = 8 };

struct entry {
  struct entry *next;
  struct record head;
  unsigned char bytes[];
};

static struct entry *table[ROOM];
struct room {
  uint32_t entries;
  size_t bytes;
};

static struct room used[KINDS], uses[KINDS];
static uint32_t lost[KINDS];
static bool is_heard = true;
/* Pages that nothing was written to take no memory. */
static _Alignas(EVEN) unsigned char all[ALL];
static size_t filled;

static void write_all(const void *bytes, size_t size) {
  for (const char *at = bytes; size > 0 && is_heard;) {
    ssize_t wrote = write(OUT_FD, at, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) { /* nobody listens any more, and with that the sandbox ends */
      is_heard = false;
      return;
    }
    at += wrote;
    size -= (size_t)wrote;
  }
}

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The process of a thread, and its name. */
static void describe(int pid, struct record *record) {
  static char status[STATUS_SIZE];
  char name[NAME_SIZE];
  snprintf(name, sizeof name, "/proc/%d/status", pid);
  read_file(name, status, sizeof status);
  const char *group = strstr(status, "\nTgid:");
  record->pid = (uint32_t)(group ? atoi(group + 6) : pid);
  snprintf(name, sizeof name, "/proc/%u/comm", record->pid);
  size_t got = read_file(name, record->command, sizeof record->command);
  if (got && record->command[got - 1] == '\n') record->command[got - 1] = 0;
}

static uint32_t hash(const struct record *head, const unsigned char *bytes, size_t size) {
  uint32_t sum = 2166136261u ^ head->kind ^ head->access << 4 ^ head->errnum << 16 ^ head->number << 20;
  for (size_t i = 0; i < size; i++) sum = (sum ^ bytes[i]) * 16777619u;
  return (sum ^ sum >> 15) % ROOM;
}

static bool is_same(const struct record *one, const struct record *other) {
  return one->kind == other->kind && one->access == other->access && one->errnum == other->errnum && one->size == other->size &&
         (one->kind != CALL_KIND || (one->number == other->number && one->arch == other->arch && one->args[0] == other->args[0]));
}

/* NULL: there is no room. */
static struct entry *new_entry(enum kind kind, int errnum, size_t size) {
  struct room *room = errnum ? &used[kind] : &uses[kind];
  const size_t bytes = !errnum && kind == FILE_KIND ? BYTES_OF_USED_FILES : BYTES;
  const size_t needed = sizeof(struct entry) + size, taken = (needed + EVEN - 1) / EVEN * EVEN;
  if (room->entries >= (errnum ? ROOM : ROOM_OF_USES) || room->bytes + needed > bytes || taken > ALL - filled) return NULL;
  room->entries++;
  room->bytes += needed;
  filled += taken;
  return (struct entry *)(void *)(all + filled - taken);
}

/* A call is told by its number; its arguments belong to it only where they are few: a family, a request. */
void tell(const struct ask *ask, enum kind kind, uint32_t access, int errnum, const void *bytes, size_t size) {
  struct record head = {.size = (uint32_t)size, .kind = kind, .access = access, .errnum = (uint32_t)errnum, .count = 1};
  head.number = (uint32_t)ask->data->nr;
  head.arch = ask->data->arch;
  memcpy(head.args, ask->data->args, sizeof head.args);
  if (head.args[0] > MOST_TELLING) head.args[0] = 0;
  uint32_t place = hash(&head, bytes, size);
  for (struct entry *entry = table[place]; entry; entry = entry->next)
    if (is_same(&entry->head, &head) && memcmp(entry->bytes, bytes, size) == 0) {
      if (entry->head.count < ~0u) entry->head.count++;
      return;
    }
  struct entry *entry = new_entry(kind, errnum, size);
  if (!entry) {
    if (lost[kind] < ~0u) lost[kind]++;
    return;
  }
  head.time_ms = now_ms();
  describe(ask->caller.pid, &head);
  *entry = (struct entry){.next = table[place], .head = head};
  memcpy(entry->bytes, bytes, size);
  table[place] = entry;
  write_all(&head, sizeof head);
  write_all(bytes, size);
}

void finish_report(void) {
  for (size_t i = 0; i < ROOM; i++)
    for (struct entry *entry = table[i]; entry; entry = entry->next)
      if (entry->head.count > 1) {
        write_all(&entry->head, sizeof entry->head);
        write_all(entry->bytes, entry->head.size);
      }
  for (uint32_t kind = 1; kind < KINDS; kind++)
    if (lost[kind]) write_all(&(struct record){.kind = LOST_KIND, .access = kind, .count = lost[kind], .time_ms = now_ms()}, sizeof(struct record));
  write_all(&(struct record){.kind = END_KIND}, sizeof(struct record));
}
