/* What is asked of the shim, decoded. Texts are ours, NUL-terminated, and never NULL after decoding. */
#ifndef USNEA_SHIM_MESSAGE_H
#define USNEA_SHIM_MESSAGE_H

#include "wire.h"

/* google.protobuf.Any */
struct any {
  char *type;
  uint8_t *bytes;
  size_t size;
};

/* containerd.types.Mount */
struct mount {
  char *type, *source, *target;
  char **options;
  size_t option_count;
};

/* The requests of containerd.task.v2, all in one: no two fields of different calls mean different things. */
struct request {
  char *id, *exec_id, *bundle, *in, *out, *err, *checkpoint, *parent_checkpoint, *path;
  uint32_t signal, width, height;
  bool terminal, all, now, close_stdin;
  struct any any;
  struct mount *mounts;
  size_t mount_count;
};

/* containerd.runc.v1.Options */
struct options {
  char *shim_cgroup, *binary, *root, *criu_path, *criu_image_path, *criu_work_path;
  uint32_t io_uid, io_gid;
  bool no_pivot_root, no_new_keyring, systemd_cgroup;
};

/* containerd.runc.v1.CheckpointOptions */
struct checkpoint_options {
  char *cgroups_mode, *image_path, *work_path, *parent_path;
  bool exit, open_tcp, external_sockets, terminal, file_locks;
  char **empty_namespaces;
  size_t empty_count;
};

enum method {
  STATE, CREATE, START, DELETE, PIDS, PAUSE, RESUME, CHECKPOINT, KILL, EXEC, RESIZE_PTY, CLOSE_IO, UPDATE, WAIT, STATS,
  CONNECT, SHUTDOWN, METHODS
};

/* METHODS when there is none of the name. */
enum method find_method(const uint8_t *name, size_t size);
/* All say false when the bytes are no such message; what was decoded so far is to be freed all the same. */
bool decode_request(enum method method, const uint8_t *bytes, size_t size, struct request *request);
bool decode_any(const uint8_t *bytes, size_t size, struct any *any);
bool decode_options(const uint8_t *bytes, size_t size, struct options *options);
bool decode_checkpoint(const uint8_t *bytes, size_t size, struct checkpoint_options *options);
void free_request(struct request *request);
void free_any(struct any *any);
void free_options(struct options *options);
void free_checkpoint(struct checkpoint_options *options);
void put_mounts(struct buffer *buffer, unsigned field, const struct request *request);

#endif
