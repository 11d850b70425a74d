#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void append(struct netlink_batch *batch, const void *bytes, size_t size) {
  size_t padded = NLMSG_ALIGN(size);
  if (batch->overflow || padded > sizeof batch->bytes - batch->size) {
    batch->overflow = 1;
    return;
  }
  memset(batch->bytes + batch->size, 0, padded);
  if (size) memcpy(batch->bytes + batch->size, bytes, size);
  batch->size += padded;
  if (batch->message + sizeof(struct nlmsghdr) > batch->size) return;
  uint32_t length = (uint32_t)(batch->size - batch->message);
  memcpy(batch->bytes + batch->message, &length, sizeof length);
}

void begin_message(struct netlink_batch *batch, uint16_t type, uint16_t flags, const void *body, size_t size) {
  const struct nlmsghdr head = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags)};
  batch->message = batch->size;
  if (flags & NLM_F_ACK) batch->expected++;
  append(batch, &head, sizeof head);
  append(batch, body, size);
}

size_t open_nest(struct netlink_batch *batch, uint16_t type) {
  const struct nlattr head = {.nla_type = type};
  size_t nest = batch->size;
  append(batch, &head, sizeof head);
  return nest;
}

void close_nest(struct netlink_batch *batch, size_t nest) {
  uint16_t length = (uint16_t)(batch->size - nest);
  if (!batch->overflow) memcpy(batch->bytes + nest, &length, sizeof length);
}

void put(struct netlink_batch *batch, uint16_t type, const void *value, size_t size) {
  const struct nlattr head = {.nla_type = type, .nla_len = (uint16_t)(sizeof head + size)};
  append(batch, &head, sizeof head);
  append(batch, value, size);
}

void put_text(struct netlink_batch *batch, uint16_t type, const char *text) { put(batch, type, text, strlen(text) + 1); }

void put_be32(struct netlink_batch *batch, uint16_t type, uint32_t value) {
  uint32_t wire = htonl(value);
  put(batch, type, &wire, sizeof wire);
}

/* An error comes for whatever fails, also where no answer was asked for; then there may be no others. */
static int read_answers(int fd, unsigned expected) {
  char answers[8192] __attribute__((aligned(4)));
  while (expected > 0) {
    ssize_t got = recv(fd, answers, sizeof answers, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN ? ETIMEDOUT : errno;
    size_t left = (size_t)got;
    for (const struct nlmsghdr *head = (const void *)answers; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
      if (head->nlmsg_type != NLMSG_ERROR) return EPROTO;
      int error = ((const struct nlmsgerr *)NLMSG_DATA(head))->error;
      if (error) return -error;
      if (expected > 0) expected--;
    }
  }
  return 0;
}

int send_batch(int protocol, struct netlink_batch *batch) {
  const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  const struct timeval patience = {.tv_sec = 10};
  if (batch->overflow) return EMSGSIZE;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) return errno;
  int error = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ? errno : 0;
  if (!error && sendto(fd, batch->bytes, batch->size, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0) error = errno;
  if (!error) error = read_answers(fd, batch->expected);
  close(fd);
  return error;
}
