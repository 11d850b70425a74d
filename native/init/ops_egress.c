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
enum { TRANSPARENT = 't', TRANSPARENT6 = 's', REFUSED = 'r', DATAGRAMS = 'u', QUERIES = 'q', PROXY = 'p', NETWORK = 'n', OWNER = 'o', PLACE = 'd' };

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
  int family, type;
  bool is_loopback, transparent;
  uint16_t port;
};

union name {
  struct sockaddr any;
  struct sockaddr_in ipv4;
  struct sockaddr_in6 ipv6;
};

static socklen_t name_endpoint(const struct endpoint *end, union name *name) {
  memset(name, 0, sizeof *name);
  name->any.sa_family = (sa_family_t)end->family;
  if (end->family == AF_INET) {
    name->ipv4.sin_port = htons(end->port);
    name->ipv4.sin_addr.s_addr = htonl(end->is_loopback ? INADDR_LOOPBACK : INADDR_ANY);
    return sizeof name->ipv4;
  }
  name->ipv6.sin6_port = htons(end->port);
  name->ipv6.sin6_addr = end->is_loopback ? in6addr_loopback : in6addr_any;
  return sizeof name->ipv6;
}

static int set_options(int fd, const struct endpoint *end) {
  const int on = 1;
  bool is6 = end->family == AF_INET6;
  if (is6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) return errno;
  if (!end->transparent) return 0;
  return setsockopt(fd, is6 ? IPPROTO_IPV6 : IPPROTO_IP, is6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on, sizeof on) == 0 ? 0 : errno;
}

/* `port`: the one that it got. */
static int open_socket(const struct endpoint *end, int *fd, uint16_t *port) {
  union name name;
  socklen_t size = name_endpoint(end, &name);
  *fd = socket(end->family, end->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (*fd < 0) return errno;
  int error = set_options(*fd, end);
  if (!error && bind(*fd, &name.any, size) != 0) error = errno;
  if (!error && end->type == SOCK_STREAM && listen(*fd, BACKLOG) != 0) error = errno;
  if (!error && getsockname(*fd, &name.any, &size) != 0) error = errno;
  if (error) close(*fd);
  else if (port) *port = ntohs(end->family == AF_INET ? name.ipv4.sin_port : name.ipv6.sin6_port);
  return error;
}

static int open_and_pack(struct parcel *parcel, char word, struct endpoint end) {
  int fd, error = open_socket(&end, &fd, NULL);
  return error ? error : pack(parcel, word, fd);
}

static int make_all_local(unsigned char family) {
  static struct netlink_batch batch;
  const struct rtmsg body = {
    .rtm_family = family, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL};
  int index = (int)if_nametoindex("lo");
  memset(&batch, 0, sizeof batch);
  begin_message(&batch, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_ACK, &body, sizeof body);
  put(&batch, RTA_OIF, &index, sizeof index);
  return send_batch(NETLINK_ROUTE, &batch);
}

/* What a rule leads to: a socket on the loopback of some port. Nothing comes of it where the rule cannot be had. */
static int lead_to(struct parcel *parcel, char word, struct endpoint end, int (*redirect)(uint16_t port)) {
  uint16_t port;
  int fd, error = open_socket(&end, &fd, &port);
  if (error) return error;
  if ((error = redirect(port))) {
    close(fd);
    return error;
  }
  return pack(parcel, word, fd);
}

/*
 * All ports, by netfilter. IPv6 and an answer for other name servers are had where the kernel has what they need: without
 * them the one is unreachable, and the other refused by the kernel.
 */
static int listen_everywhere(struct parcel *parcel) {
  int error = lead_to(parcel, TRANSPARENT, (struct endpoint){AF_INET, SOCK_STREAM, true, true, 0}, redirect_tcp);
  if (error) return error;
  (void)lead_to(parcel, REFUSED, (struct endpoint){AF_INET, SOCK_DGRAM, true, false, 0}, redirect_questions);
  if (make_all_local(AF_INET6) == 0) (void)lead_to(parcel, TRANSPARENT6, (struct endpoint){AF_INET6, SOCK_STREAM, true, true, 0}, redirect_tcp6);
  return 0;
}

/* Without netfilter: only on those ports that a rule names. */
static int listen_on_ports(struct parcel *parcel, const struct string_list *ports) {
  for (uint32_t i = 0; i < ports->count; i++) {
    struct endpoint end = {AF_INET, SOCK_STREAM, false, false, (uint16_t)atoi(ports->items[i])};
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
  int error = make_all_local(AF_INET);
  if (error) {
    detail("a route that makes every address local");
    return error;
  }
  int redirected = op->ports_only ? EOPNOTSUPP : listen_everywhere(&parcel);
  if (redirected) error = listen_on_ports(&parcel, op->ports);
  if (!error) error = open_and_pack(&parcel, DATAGRAMS, (struct endpoint){AF_INET, SOCK_DGRAM, true, false, DNS_PORT});
  if (!error) error = open_and_pack(&parcel, QUERIES, (struct endpoint){AF_INET, SOCK_STREAM, true, false, DNS_PORT});
  if (!error) error = open_and_pack(&parcel, PROXY, (struct endpoint){AF_INET, SOCK_STREAM, true, false, (uint16_t)op->proxy_port});
  if (!error) error = flush(&parcel);
  close((int)op->channel);
  /* its reader takes what lies in the channel when it hears of this */
  return error ? error : send_frame(ctx->control, MESSAGE_net_opened, redirected, 0);
}

/*
 * A directory for a socket of that program: it is nowhere, and gone with whoever has it, also when all of us are killed.
 * Where none can be made (before Linux 5.2, or a filter hides it) none is handed out, and our caller makes another one.
 */
static int pack_place(struct parcel *parcel) {
  enum { NOSUID = 2, NODEV = 4, NOEXEC = 8 };
  const struct filesystem wanted = {.fstype = "tmpfs", .source = "usnea", .data = "size=64k,nr_inodes=16", .attr = NOSUID | NODEV | NOEXEC};
  int fd = -1;
  return make_filesystem(&wanted, &fd) == 0 ? pack(parcel, PLACE, fd) : 0;
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
  if (!error) error = pack_place(&parcel);
  if (!error) error = flush(&parcel);
  close((int)op->channel);
  return error ? error : send_frame(ctx->control, MESSAGE_net_opened, 0, 0);
}
