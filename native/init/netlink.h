/* Messages for the kernel's netlink sockets, written into one buffer. netlink(7) */
#ifndef USNEA_NETLINK_H
#define USNEA_NETLINK_H

#include <stddef.h>
#include <stdint.h>

/* Ours are small by construction; what does not fit sets `overflow`, and sending then fails with EMSGSIZE. */
struct netlink_batch {
  unsigned char bytes[8192];
  size_t size;
  size_t message; /* where the last message begins */
  unsigned expected; /* acknowledgements */
  int overflow;
};

void begin_message(struct netlink_batch *batch, uint16_t type, uint16_t flags, const void *body, size_t size);
void put(struct netlink_batch *batch, uint16_t type, const void *value, size_t size);
void put_text(struct netlink_batch *batch, uint16_t type, const char *text);
void put_be32(struct netlink_batch *batch, uint16_t type, uint32_t value);
/* An attribute of attributes; `close_nest` takes what `open_nest` gave. */
size_t open_nest(struct netlink_batch *batch, uint16_t type);
void close_nest(struct netlink_batch *batch, size_t nest);
/* Sends all, and waits for the kernel's yes to each message that asked for one. Returns 0 or an errno. */
int send_batch(int protocol, struct netlink_batch *batch);

#endif
