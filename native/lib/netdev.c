/*
 * Moves a network device into another network namespace, with its global addresses, and brings it up there. In a child,
 * because each thread has a network namespace of its own and Node's must stay where they are. netlink(7), rtnetlink(7)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "usnea.h"

enum { MAX_ADDRESSES = 64, KEPT_FLAGS = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN };

struct packet {
  struct nlmsghdr head;
  union {
    struct ifinfomsg link;
    struct ifaddrmsg address;
  } body;
  char attributes[256];
};

struct link {
  const char *name, *new_name;
  int from, to, up;
};

struct address {
  uint8_t family, prefix;
  uint32_t flags;
  unsigned local_size, peer_size, broadcast_size;
  uint8_t local[16], peer[16], broadcast[16];
};

static struct address addresses[MAX_ADDRESSES];

static void begin(struct packet *m, int type, int flags, size_t body) {
  memset(m, 0, sizeof *m);
  m->head.nlmsg_len = NLMSG_LENGTH(body);
  m->head.nlmsg_type = (uint16_t)type;
  m->head.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
}

/* The messages here are small by construction: a name, a number, three addresses. */
static void add(struct packet *m, int type, const void *value, size_t size) {
  struct rtattr *attribute = (struct rtattr *)((char *)m + NLMSG_ALIGN(m->head.nlmsg_len));
  attribute->rta_type = (unsigned short)type;
  attribute->rta_len = (unsigned short)RTA_LENGTH(size);
  memcpy(RTA_DATA(attribute), value, size);
  m->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->head.nlmsg_len) + RTA_ALIGN(attribute->rta_len));
}

static int ask(int fd, struct packet *m) {
  char answer[1024];
  m->head.nlmsg_flags |= NLM_F_ACK;
  if (send(fd, m, m->head.nlmsg_len, 0) < 0) return errno;
  ssize_t got = recv(fd, answer, sizeof answer, 0);
  const struct nlmsghdr *head = (const struct nlmsghdr *)answer;
  if (got < 0) return errno;
  if (!NLMSG_OK(head, (size_t)got) || head->nlmsg_type != NLMSG_ERROR) return EPROTO;
  return -((const struct nlmsgerr *)NLMSG_DATA(head))->error;
}

static unsigned keep(uint8_t *to, const struct rtattr *attribute) {
  size_t size = RTA_PAYLOAD(attribute);
  if (size > 16) return 0;
  memcpy(to, RTA_DATA(attribute), size);
  return (unsigned)size;
}

static void read_address(const struct nlmsghdr *head, struct address *to) {
  const struct ifaddrmsg *body = NLMSG_DATA(head);
  *to = (struct address){.family = body->ifa_family, .prefix = body->ifa_prefixlen, .flags = body->ifa_flags};
  int left = (int)IFA_PAYLOAD(head);
  for (const struct rtattr *at = IFA_RTA(body); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
    if (at->rta_type == IFA_LOCAL) to->local_size = keep(to->local, at);
    if (at->rta_type == IFA_ADDRESS) to->peer_size = keep(to->peer, at);
    if (at->rta_type == IFA_BROADCAST) to->broadcast_size = keep(to->broadcast, at);
    if (at->rta_type == IFA_FLAGS && RTA_PAYLOAD(at) == 4) memcpy(&to->flags, RTA_DATA(at), 4);
  }
}

/* Those that an administrator gave it, for the whole world: the rest follows from the link, or from where it is. */
static int read_addresses(int fd, unsigned index, int *count) {
  static char answer[1 << 16];
  struct packet m;
  begin(&m, RTM_GETADDR, NLM_F_DUMP, sizeof m.body.address);
  if (send(fd, &m, m.head.nlmsg_len, 0) < 0) return errno;
  for (;;) {
    ssize_t got = recv(fd, answer, sizeof answer, 0);
    if (got < 0) return errno;
    size_t left = (size_t)got;
    for (struct nlmsghdr *head = (struct nlmsghdr *)answer; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
      if (head->nlmsg_type == NLMSG_DONE) return 0;
      if (head->nlmsg_type == NLMSG_ERROR) return EPROTO;
      const struct ifaddrmsg *body = NLMSG_DATA(head);
      if (body->ifa_index != index || body->ifa_scope != RT_SCOPE_UNIVERSE) continue;
      struct address found;
      read_address(head, &found);
      if (!(found.flags & IFA_F_PERMANENT)) continue;
      if (*count == MAX_ADDRESSES) return E2BIG;
      addresses[(*count)++] = found;
    }
  }
}

static int write_address(int fd, unsigned index, const struct address *from) {
  struct packet m;
  uint32_t flags = from->flags & KEPT_FLAGS;
  begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof m.body.address);
  m.body.address.ifa_family = from->family;
  m.body.address.ifa_prefixlen = from->prefix;
  m.body.address.ifa_index = index;
  add(&m, IFA_FLAGS, &flags, sizeof flags);
  if (from->local_size) add(&m, IFA_LOCAL, from->local, from->local_size);
  if (from->peer_size) add(&m, IFA_ADDRESS, from->peer, from->peer_size);
  if (from->broadcast_size) add(&m, IFA_BROADCAST, from->broadcast, from->broadcast_size);
  return ask(fd, &m);
}

static int set_up(int fd, unsigned index, bool up) {
  struct packet m;
  begin(&m, RTM_NEWLINK, 0, sizeof m.body.link);
  m.body.link.ifi_index = (int)index;
  m.body.link.ifi_change = IFF_UP;
  m.body.link.ifi_flags = up ? IFF_UP : 0;
  return ask(fd, &m);
}

/* Place and name change in one step, so that no name of the other side can be in the way in between. */
static int move(int fd, unsigned index, const struct link *link) {
  struct packet m;
  uint32_t to = (uint32_t)link->to;
  begin(&m, RTM_NEWLINK, 0, sizeof m.body.link);
  m.body.link.ifi_index = (int)index;
  add(&m, IFLA_NET_NS_FD, &to, sizeof to);
  add(&m, IFLA_IFNAME, link->new_name, strlen(link->new_name) + 1);
  return ask(fd, &m);
}

static int is_up(const char *name, bool *up) {
  struct ifreq request = {0};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  int error = fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0 ? errno : 0;
  *up = request.ifr_flags & IFF_UP;
  if (fd >= 0) close(fd);
  return error;
}

static int enter(int namespace, int *fd) {
  if (*fd >= 0) close(*fd);
  if (setns(namespace, CLONE_NEWNET) != 0) return errno;
  *fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  return *fd < 0 ? errno : 0;
}

struct report {
  int step, error, was_up;
};

static struct report run(const struct link *link) {
  int fd = -1, count = 0;
  bool up = false;
  struct report r = {USNEA_LINK_FIND, enter(link->from, &fd), 0};
  unsigned index = r.error ? 0 : if_nametoindex(link->name);
  if (!r.error && index == 0) r.error = errno;
  if (!r.error) r.error = is_up(link->name, &up);
  if (!r.error) r.step = USNEA_LINK_READ, r.error = read_addresses(fd, index, &count);
  if (!r.error) r.step = USNEA_LINK_DOWN, r.error = set_up(fd, index, false);
  if (!r.error) {
    r.step = USNEA_LINK_MOVE;
    r.error = move(fd, index, link);
    if (r.error && up) set_up(fd, index, true); /* as it was; the addresses of a link that is down stay */
  }
  r.was_up = up;
  if (!r.error) r.step = USNEA_LINK_ENTER, r.error = enter(link->to, &fd);
  if (!r.error && (index = if_nametoindex(link->new_name)) == 0) r.error = errno;
  for (int i = 0; !r.error && i < count; i++) r.step = USNEA_LINK_ADDRESS, r.error = write_address(fd, index, &addresses[i]);
  if (!r.error && link->up) r.step = USNEA_LINK_UP, r.error = set_up(fd, index, true);
  return r;
}

int usnea_move_link(const char *name, const char *new_name, int from, int to, int up, int32_t *report) {
  const struct link link = {name, new_name, from, to, up};
  int ends[2], status;
  struct report got = {0, EIO, 0};
  if (pipe(ends) != 0) return -errno;
  int pid = fork();
  if (pid == 0) {
    struct report done = run(&link);
    _exit(write(ends[1], &done, sizeof done) == sizeof done ? 0 : 1);
  }
  int error = pid < 0 ? errno : 0;
  close(ends[1]);
  if (pid > 0) {
    if (read(ends[0], &got, sizeof got) != sizeof got) got.error = EIO;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    error = got.error;
  }
  close(ends[0]);
  report[0] = got.step;
  report[1] = got.was_up;
  return -error;
}
