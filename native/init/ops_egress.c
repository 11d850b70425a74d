/*
 * A network namespace whose only way out is the parent. Every address is made local to it (a route of type local, "AnyIP"),
 * so what connects anywhere arrives at sockets of ours, whose local address is the one that was meant. The sockets are
 * made here and handed out; nothing listens for them in here any more.
 */
#include "init.h"
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 256, DNS_PORT = 53, PER_MESSAGE = NAMESPACES };

/* The words of the descriptors, one letter each: see src/sandbox/egress/sockets.ts. */
enum { TRANSPARENT = 't', DATAGRAMS = 'u', QUERIES = 'q', PROXY = 'p', NETWORK = 'n', OWNER = 'o' };

struct parcel {
  int channel;
  int fds[PER_MESSAGE];
  char words[PER_MESSAGE];
  int count;
};

static int flush(struct parcel *parcel) {
  int error = parcel->count == 0 ? 0 : send_descriptors(parcel->channel, parcel->words, (size_t)parcel->count, parcel->fds, parcel->count);
  while (parcel->count > 0) close(parcel->fds[--parcel->count]);
  return error;
}

static int pack(struct parcel *parcel, char word, int fd) {
  int error = parcel->count == PER_MESSAGE ? flush(parcel) : 0;
  parcel->words[parcel->count] = word;
  parcel->fds[parcel->count++] = fd;
  return error;
}

struct endpoint {
  int type;
  uint32_t address;
  uint16_t port;
  bool transparent;
};

/* `port`: the one that it got. */
static int open_socket(const struct endpoint *end, int *fd, uint16_t *port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(end->port), .sin_addr.s_addr = htonl(end->address)};
  socklen_t size = sizeof name;
  const int on = 1;
  *fd = socket(AF_INET, end->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (*fd < 0) return errno;
  int error = 0;
  if (end->transparent && setsockopt(*fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof on) != 0) error = errno;
  if (!error && bind(*fd, (struct sockaddr *)&name, sizeof name) != 0) error = errno;
  if (!error && end->type == SOCK_STREAM && listen(*fd, BACKLOG) != 0) error = errno;
  if (!error && getsockname(*fd, (struct sockaddr *)&name, &size) != 0) error = errno;
  if (error) close(*fd);
  else if (port) *port = ntohs(name.sin_port);
  return error;
}

static int open_and_pack(struct parcel *parcel, char word, struct endpoint end) {
  int fd, error = open_socket(&end, &fd, NULL);
  return error ? error : pack(parcel, word, fd);
}

static int make_all_local(void) {
  static struct netlink_batch batch;
  const struct rtmsg body = {
    .rtm_family = AF_INET, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL};
  int index = (int)if_nametoindex("lo");
  memset(&batch, 0, sizeof batch);
  begin_message(&batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK, &body, sizeof body);
  put(&batch, RTA_OIF, &index, sizeof index);
  return send_batch(NETLINK_ROUTE, &batch);
}

/* All ports, by netfilter. */
static int listen_everywhere(struct parcel *parcel) {
  uint16_t port;
  int fd, error = open_socket(&(struct endpoint){SOCK_STREAM, INADDR_LOOPBACK, 0, true}, &fd, &port);
  if (error) return error;
  if ((error = redirect_tcp(port))) {
    close(fd);
    return error;
  }
  return pack(parcel, TRANSPARENT, fd);
}

/* Without netfilter: only on those ports that a rule names. */
static int listen_on_ports(struct parcel *parcel, const struct string_list *ports) {
  for (uint32_t i = 0; i < ports->count; i++) {
    struct endpoint end = {SOCK_STREAM, INADDR_ANY, (uint16_t)atoi(ports->items[i]), false};
    int error = open_and_pack(parcel, TRANSPARENT, end);
    if (error) {
      detail("port %s", ports->items[i]);
      return error;
    }
  }
  return 0;
}

int run_egress(struct context *ctx, const struct op_egress *op) {
  struct parcel parcel = {.channel = (int)op->channel};
  int error = make_all_local();
  if (error) {
    detail("a route that makes every address local");
    return error;
  }
  int redirected = op->ports_only ? EOPNOTSUPP : listen_everywhere(&parcel);
  if (redirected) error = listen_on_ports(&parcel, op->ports);
  if (!error) error = open_and_pack(&parcel, DATAGRAMS, (struct endpoint){SOCK_DGRAM, INADDR_LOOPBACK, DNS_PORT, false});
  if (!error) error = open_and_pack(&parcel, QUERIES, (struct endpoint){SOCK_STREAM, INADDR_LOOPBACK, DNS_PORT, false});
  if (!error) error = open_and_pack(&parcel, PROXY, (struct endpoint){SOCK_STREAM, INADDR_LOOPBACK, (uint16_t)op->proxy_port, false});
  if (!error) error = flush(&parcel);
  close((int)op->channel);
  /* its reader takes what lies in the channel when it hears of this */
  return error ? error : send_frame(ctx->control, MESSAGE_net_opened, redirected, 0);
}

/* For a program outside that connects this network namespace with its own: nobody else may open ours, we are undumpable. */
int run_hand_network(struct context *ctx, const struct op_hand_network *op) {
  static const struct {
    char word;
    const char *path;
  } own[] = {{NETWORK, "/proc/self/ns/net"}, {OWNER, "/proc/self/ns/user"}};
  struct parcel parcel = {.channel = (int)op->channel};
  int error = 0;
  for (size_t i = 0; !error && i < sizeof own / sizeof *own; i++) {
    int fd = open(own[i].path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      detail("%s", own[i].path);
      error = errno;
    } else error = pack(&parcel, own[i].word, fd);
  }
  if (!error) error = flush(&parcel);
  close((int)op->channel);
  return error ? error : send_frame(ctx->control, MESSAGE_net_opened, 0, 0);
}
