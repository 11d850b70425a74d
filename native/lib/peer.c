/* Who is at the other end of a unix socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>

#include "usnea.h"

int usnea_peer(int socket, int32_t *who) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -errno;
  who[0] = peer.pid;
  who[1] = (int32_t)peer.uid;
  return 0;
}
