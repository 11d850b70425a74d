/* Addresses that are connected to: what leads out of a network that has no way out, and sockets by name. */
#define _GNU_SOURCE
#include "observe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LIST_PART = 8192, NAME_SIZE = 64 };

struct target {
  bool is_six, loopback;
  unsigned port;
  char text[INET6_ADDRSTRLEN + 16];
};

static bool read_target(const struct sockaddr_storage *name, size_t size, struct target *target) {
  const struct sockaddr_in *four = (const void *)name;
  const struct sockaddr_in6 *six = (const void *)name;
  char text[INET6_ADDRSTRLEN];
  if (name->ss_family == AF_INET && size >= sizeof *four) {
    uint32_t address = ntohl(four->sin_addr.s_addr);
    target->loopback = address >> 24 == IN_LOOPBACKNET || address == INADDR_ANY;
    target->port = ntohs(four->sin_port);
    inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
  } else if (name->ss_family == AF_INET6 && size >= sizeof *six - sizeof six->sin6_scope_id) {
    const uint8_t *bytes = six->sin6_addr.s6_addr;
    bool mapped = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);
    target->is_six = !mapped;
    target->loopback = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr) || (mapped && bytes[12] == IN_LOOPBACKNET);
    target->port = ntohs(six->sin6_port);
    if (mapped) inet_ntop(AF_INET, bytes + 12, text, sizeof text);
    else inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
  } else return false;
  snprintf(target->text, sizeof target->text, "%u %s", target->port, text);
  return true;
}

static int judge_target(const struct policy *policy, const struct target *target, uint32_t access) {
  switch ((enum net)policy->head.net) {
    case NET_NONE: return access & BIND_TO || target->loopback ? 0 : ENETUNREACH;
    case NET_PORTS: return has_port(policy, access & BIND_TO ? target->port | PORT_BIND : target->port) ? 0 : EACCES;
    /* what arrives at our filter it judges, and tells, itself */
    case NET_FILTERED_IPV4: return access & BIND_TO || target->loopback || !target->is_six ? 0 : ENETUNREACH;
    case NET_FILTERED:
    default: return 0;
  }
}

/* Is the name in that list of unix sockets? They are written as @name, after a space, at the end of a line. */
static bool is_listed(const char *list, const char *name) {
  static char text[LIST_PART];
  const size_t length = strlen(name);
  size_t have = 0;
  bool found = false;
  int fd = open(list, O_RDONLY | O_CLOEXEC);
  for (ssize_t got; fd >= 0 && !found && (got = read(fd, text + have, sizeof text - have)) > 0;) {
    char *line = text, *end;
    have += (size_t)got;
    for (; !found && (end = memchr(line, '\n', have - (size_t)(line - text))) != NULL; line = end + 1)
      found = (size_t)(end - line) > length && end[-(ptrdiff_t)length - 1] == ' ' && memcmp(end - length, name, length) == 0;
    have -= (size_t)(line - text);
    if (have == sizeof text) have = 0; /* no such line is that long */
    memmove(text, line, have);
  }
  if (fd >= 0) close(fd);
  return found;
}

/* Names without a file belong to a network namespace. */
static void judge_abstract(const struct ask *ask, const char *name, size_t size, uint32_t access) {
  char text[sizeof(struct sockaddr_un) + 2], own[NAME_SIZE];
  if (access & BIND_TO || size == 0 || !(ask->policy->head.flags & OWN_NETWORK)) return;
  for (size_t i = 0; i < size; i++) text[i] = name[i] ? name[i] : '@';
  text[size] = 0;
  snprintf(own, sizeof own, "/proc/%d/net/unix", ask->caller.pid);
  if (is_listed("/proc/net/unix", text) && !is_listed(own, text) && is_alive(&ask->caller))
    tell(ask, FILE_KIND, CONNECT_TO, ECONNREFUSED, text, size);
}

void judge_address(const struct ask *ask, uint64_t at, uint64_t size, uint32_t access) {
  struct sockaddr_storage name = {0};
  struct target target = {0};
  if (at == 0 || size < sizeof name.ss_family) return;
  if (size > sizeof name) size = sizeof name;
  if (read_memory(ask->caller.pid, at, &name, size) != (ptrdiff_t)size) return;
  if (name.ss_family == AF_UNIX) {
    char path[sizeof(struct sockaddr_un) + 1] = {0};
    size_t length = size - sizeof name.ss_family;
    if (length > sizeof ((struct sockaddr_un *)NULL)->sun_path) length = sizeof ((struct sockaddr_un *)NULL)->sun_path;
    memcpy(path, (const char *)&name + sizeof name.ss_family, length);
    if (path[0]) judge_file(ask, AT_FDCWD, path, access & BIND_TO ? BIND_TO : CONNECT_TO);
    else judge_abstract(ask, path, length, access);
    return;
  }
  if (!read_target(&name, size, &target)) return;
  int error = judge_target(ask->policy, &target, access);
  if ((error || ask->policy->head.flags & LEARNS) && is_alive(&ask->caller))
    tell(ask, NETWORK_KIND, access, error, target.text, strlen(target.text));
}
