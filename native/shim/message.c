/* Decoding by tables: number of the field, where it goes, and what it is. Unknown fields are skipped, as proto3 asks. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

enum kind { TEXT, TEXTS, TRUTH, NUMBER, ANY, MOUNT };
enum { MOST_MOUNTS = 512, MOST_TEXTS = 1024 };

struct rule {
  uint8_t number, kind;
  uint16_t offset;
};

#define RULE(number, kind, type, member) {number, kind, offsetof(struct type, member)}
#define ASKED(number, kind, member) RULE(number, kind, request, member)

static const struct rule create_rules[] = {
  ASKED(1, TEXT, id), ASKED(2, TEXT, bundle), ASKED(3, MOUNT, mounts), ASKED(4, TRUTH, terminal), ASKED(5, TEXT, in),
  ASKED(6, TEXT, out), ASKED(7, TEXT, err), ASKED(8, TEXT, checkpoint), ASKED(9, TEXT, parent_checkpoint),
  ASKED(10, ANY, any), {0}};
static const struct rule exec_rules[] = {
  ASKED(1, TEXT, id), ASKED(2, TEXT, exec_id), ASKED(3, TRUTH, terminal), ASKED(4, TEXT, in), ASKED(5, TEXT, out),
  ASKED(6, TEXT, err), ASKED(7, ANY, any), {0}};
static const struct rule process_rules[] = {ASKED(1, TEXT, id), ASKED(2, TEXT, exec_id), {0}};
static const struct rule container_rules[] = {ASKED(1, TEXT, id), {0}};
static const struct rule resize_rules[] = {
  ASKED(1, TEXT, id), ASKED(2, TEXT, exec_id), ASKED(3, NUMBER, width), ASKED(4, NUMBER, height), {0}};
static const struct rule kill_rules[] = {
  ASKED(1, TEXT, id), ASKED(2, TEXT, exec_id), ASKED(3, NUMBER, signal), ASKED(4, TRUTH, all), {0}};
static const struct rule close_rules[] = {
  ASKED(1, TEXT, id), ASKED(2, TEXT, exec_id), ASKED(3, TRUTH, close_stdin), {0}};
static const struct rule checkpoint_rules[] = {ASKED(1, TEXT, id), ASKED(2, TEXT, path), ASKED(3, ANY, any), {0}};
static const struct rule update_rules[] = {ASKED(1, TEXT, id), ASKED(2, ANY, any), {0}};
static const struct rule shutdown_rules[] = {ASKED(1, TEXT, id), ASKED(2, TRUTH, now), {0}};

static const struct {
  const char *name;
  const struct rule *rules;
} methods[METHODS] = {
  [STATE] = {"State", process_rules}, [CREATE] = {"Create", create_rules}, [START] = {"Start", process_rules},
  [DELETE] = {"Delete", process_rules}, [PIDS] = {"Pids", container_rules}, [PAUSE] = {"Pause", container_rules},
  [RESUME] = {"Resume", container_rules}, [CHECKPOINT] = {"Checkpoint", checkpoint_rules}, [KILL] = {"Kill", kill_rules},
  [EXEC] = {"Exec", exec_rules}, [RESIZE_PTY] = {"ResizePty", resize_rules}, [CLOSE_IO] = {"CloseIO", close_rules},
  [UPDATE] = {"Update", update_rules}, [WAIT] = {"Wait", process_rules}, [STATS] = {"Stats", container_rules},
  [CONNECT] = {"Connect", container_rules}, [SHUTDOWN] = {"Shutdown", shutdown_rules}};

static const struct rule any_rules[] = {RULE(1, TEXT, any, type), {0}};
static const struct rule mount_rules[] = {RULE(1, TEXT, mount, type), RULE(2, TEXT, mount, source),
  RULE(3, TEXT, mount, target), RULE(4, TEXTS, mount, options), {0}};
static const struct rule options_rules[] = {
  RULE(1, TRUTH, options, no_pivot_root), RULE(2, TRUTH, options, no_new_keyring), RULE(3, TEXT, options, shim_cgroup),
  RULE(4, NUMBER, options, io_uid), RULE(5, NUMBER, options, io_gid), RULE(6, TEXT, options, binary),
  RULE(7, TEXT, options, root), RULE(8, TEXT, options, criu_path), RULE(9, TRUTH, options, systemd_cgroup),
  RULE(10, TEXT, options, criu_image_path), RULE(11, TEXT, options, criu_work_path), {0}};
static const struct rule dump_rules[] = {
  RULE(1, TRUTH, checkpoint_options, exit), RULE(2, TRUTH, checkpoint_options, open_tcp),
  RULE(3, TRUTH, checkpoint_options, external_sockets), RULE(4, TRUTH, checkpoint_options, terminal),
  RULE(5, TRUTH, checkpoint_options, file_locks), RULE(6, TEXTS, checkpoint_options, empty_namespaces),
  RULE(7, TEXT, checkpoint_options, cgroups_mode), RULE(8, TEXT, checkpoint_options, image_path),
  RULE(9, TEXT, checkpoint_options, work_path), RULE(10, TEXT, checkpoint_options, parent_path), {0}};

enum method find_method(const uint8_t *name, size_t size) {
  for (enum method method = 0; method < METHODS; method++)
    if (strlen(methods[method].name) == size && memcmp(methods[method].name, name, size) == 0) return method;
  return METHODS;
}

/* A text of the wire must be one of C, too: what comes after a NUL would be checked by nobody. */
static bool set_text(char **place, const struct field *field) {
  if (memchr(field->bytes, 0, field->size)) return false;
  free(*place);
  *place = strndup((const char *)field->bytes, field->size);
  return *place != NULL;
}

/* A list lies before its count in every structure. */
static bool add_text(char ***list, const struct field *field) {
  size_t *count = (size_t *)(void *)(list + 1);
  if (*count >= MOST_TEXTS) return false;
  char **longer = realloc(*list, (*count + 1) * sizeof **list);
  if (!longer) return false;
  *list = longer;
  longer[*count] = NULL;
  return set_text(&longer[*count], field) && ++*count;
}

static bool decode(const struct rule *rules, const uint8_t *bytes, size_t size, void *into);

static bool add_mount(struct mount **list, const struct field *field) {
  size_t *count = (size_t *)(void *)(list + 1);
  if (*count >= MOST_MOUNTS) return false;
  struct mount *longer = realloc(*list, (*count + 1) * sizeof **list);
  if (!longer) return false;
  *list = longer;
  longer[*count] = (struct mount){0};
  return decode(mount_rules, field->bytes, field->size, &longer[(*count)++]);
}

static bool take_field(const struct rule *rule, const struct field *field, void *into) {
  void *place = (char *)into + rule->offset;
  bool is_number = rule->kind == TRUTH || rule->kind == NUMBER;
  if (field->kind != (is_number ? WIRE_NUMBER : WIRE_BYTES)) return false;
  switch ((enum kind)rule->kind) {
    case TEXT: return set_text(place, field);
    case TEXTS: return add_text(place, field);
    case TRUTH: *(bool *)place = field->value != 0; return true;
    case NUMBER: *(uint32_t *)place = (uint32_t)field->value; return field->value <= UINT32_MAX;
    case ANY: return decode_any(field->bytes, field->size, place);
    case MOUNT: return add_mount(place, field);
  }
  return false;
}

static bool fill_in(const struct rule *rules, void *into) {
  for (const struct rule *rule = rules; rule->number; rule++) {
    char **place = (char **)(void *)((char *)into + rule->offset);
    if (rule->kind == TEXT && !*place && !(*place = strdup(""))) return false;
  }
  return true;
}

static bool decode(const struct rule *rules, const uint8_t *bytes, size_t size, void *into) {
  struct cursor cursor = open_cursor(bytes, size);
  struct field field;
  while (next_field(&cursor, &field))
    for (const struct rule *rule = rules; rule->number; rule++)
      if (rule->number == field.number && !take_field(rule, &field, into)) return false;
  return fill_in(rules, into) && !cursor.bad;
}

static void free_all(const struct rule *rules, void *from) {
  for (const struct rule *rule = rules; rule->number; rule++) {
    char **place = (char **)(void *)((char *)from + rule->offset);
    if (rule->kind == TEXT) free(*place);
    if (rule->kind != TEXTS) continue;
    char **list = *(char ***)(void *)place;
    for (size_t i = 0; list && i < *(size_t *)(void *)(place + 1); i++) free(list[i]);
    free(list);
  }
}

bool decode_request(enum method method, const uint8_t *bytes, size_t size, struct request *request) {
  *request = (struct request){0};
  if (!decode(methods[method].rules, bytes, size, request)) return false;
  char **texts[] = {&request->id, &request->exec_id, &request->bundle, &request->in, &request->out, &request->err,
    &request->checkpoint, &request->parent_checkpoint, &request->path, &request->any.type};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (!*texts[i] && !(*texts[i] = strdup(""))) return false;
  return true;
}

bool decode_any(const uint8_t *bytes, size_t size, struct any *any) {
  struct cursor cursor = open_cursor(bytes, size);
  struct field field;
  if (!decode(any_rules, bytes, size, any)) return false;
  while (next_field(&cursor, &field)) {
    if (field.number != 2) continue;
    if (field.kind != WIRE_BYTES) return false;
    free(any->bytes);
    any->size = field.size;
    any->bytes = malloc(field.size + 1);
    if (!any->bytes) return false;
    memcpy(any->bytes, field.bytes, field.size);
    any->bytes[field.size] = 0; /* it may be JSON */
  }
  return true;
}

bool decode_options(const uint8_t *bytes, size_t size, struct options *options) {
  *options = (struct options){0};
  return decode(options_rules, bytes, size, options);
}

bool decode_checkpoint(const uint8_t *bytes, size_t size, struct checkpoint_options *options) {
  *options = (struct checkpoint_options){0};
  return decode(dump_rules, bytes, size, options);
}

void free_any(struct any *any) {
  free(any->type);
  free(any->bytes);
  *any = (struct any){0};
}

void free_request(struct request *request) {
  char *texts[] = {request->id, request->exec_id, request->bundle, request->in, request->out, request->err,
    request->checkpoint, request->parent_checkpoint, request->path};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
  free_any(&request->any);
  for (size_t i = 0; i < request->mount_count; i++) free_all(mount_rules, &request->mounts[i]);
  free(request->mounts);
  *request = (struct request){0};
}

void free_options(struct options *options) { free_all(options_rules, options); *options = (struct options){0}; }

void free_checkpoint(struct checkpoint_options *options) {
  free_all(dump_rules, options);
  *options = (struct checkpoint_options){0};
}

void put_mounts(struct buffer *buffer, unsigned field, const struct request *request) {
  for (size_t i = 0; i < request->mount_count; i++) {
    const struct mount *mount = &request->mounts[i];
    struct buffer one = {0};
    put_text(&one, 1, mount->type);
    put_text(&one, 2, mount->source);
    put_text(&one, 3, mount->target);
    for (size_t k = 0; k < mount->option_count; k++) put_text(&one, 4, mount->options[k]);
    put_message(buffer, field, &one);
  }
}
