/** What native/lib has: its functions, and their types for koffi. Every call returns -errno on failure. */

/** Wishes in the descriptor list of `spawn` besides a number: see native/lib/usnea.h. */
export const FD_NULL = -1
export const FD_PIPE_IN = -2
export const FD_PIPE_OUT = -3

export interface Native {
  sealedInit(path: string): number
  /** See native/lib/usnea.h. */
  spawn(
    init: number,
    plan: Uint8Array,
    size: number,
    fds: Int32Array,
    count: number,
    control: Int32Array,
    label: string,
  ): number
  sendRest(control: number, plan: Uint8Array, size: number, fds: Int32Array): number
  wait(pid: number, block: number, status: Int32Array): number
  flock(fd: number, operation: number): number
  mkfifo(path: string, mode: number): number
  removeTree(directory: string, name: string): number
  pidfdOpen(pid: number): number
  pidfdSendSignal(pidfd: number, signal: number): number
  waitReadable(fd: number, timeoutMs: number): number
  catchSignals(which: number): number
  interruption(): number
  waitUninterrupted(fd: number): number
  forwardSignals(pid: number, control: number, hasTerminal: number): number
  stopForwarding(): number
  connect(path: string, timeoutMs: number): number
  listen(directory: string, name: string): number
  connectDatagram(path: string, timeoutMs: number): number
  send(socket: number, data: Uint8Array, size: number, fds: Int32Array, count: number): number
  packetPair(ends: Int32Array): number
  receive(socket: number, data: Uint8Array, size: number, fds: Int32Array, count: number): number
  fitTerminal(console: number): void
  attend(pid: number, pipes: Int32Array, console: number, timeoutMs: number, status: Int32Array): number
  copyTree(path: string): number
  mapTree(tree: number, userns: number, recursive: number): number
  bindNotify(directory: string, name: string): number
  relay(fd: number, host: string): number
  relayAside(program: string, fd: number, host: string, pid: number, label: string): number
  notify(host: string, text: string): number
  watchAside(program: string, pid: number, file: number, label: string): number
  observeAside(program: string, wish: Uint8Array, size: number, ends: Int32Array): number
  watchGroup(program: string, channel: number, label: string): number
  handOver(program: string, words: Uint8Array, size: number): number
  peer(socket: number, who: Int32Array): number
  guardDevices(cgroup: number, program: Uint8Array, size: number): number
  openDirectory(path: Uint8Array): number
  openBeneath(dir: number, path: Uint8Array, flags: number): number
  listXattrs(path: Uint8Array, names: Uint8Array | null, size: number): number
  getXattr(path: Uint8Array, name: Uint8Array, value: Uint8Array | null, size: number): number
  setXattr(path: Uint8Array, name: Uint8Array, value: Uint8Array, size: number): number
  removeXattr(path: Uint8Array, name: Uint8Array): number
  syncFileSystem(fd: number): number
  seekData(fd: number, from: number): number
  renameWith(from: Uint8Array, to: Uint8Array, flags: number): number
  /** See native/lib/usnea.h. */
  moveLink(name: string, newName: string, from: number, to: number, up: number, report: Int32Array): number
  landlockAbi(): number
}

/** By name; each is looked up when it is first called, because no verb needs half of them. */
export const prototypes: Readonly<Record<keyof Native, string>> = {
  sealedInit: 'int usnea_sealed_init(const char *path)',
  spawn:
    'int usnea_spawn(int init, const uint8_t *plan, uint32_t size, int32_t *fds, int count, int32_t *control, const char *label)',
  sendRest: 'int usnea_send_rest(int control, const uint8_t *plan, uint32_t size, int32_t *fds)',
  wait: 'int usnea_wait(int pid, int block, int32_t *status)',
  flock: 'int usnea_flock(int fd, int operation)',
  mkfifo: 'int usnea_mkfifo(const char *path, uint32_t mode)',
  removeTree: 'int usnea_remove_tree(const char *directory, const char *name)',
  pidfdOpen: 'int usnea_pidfd_open(int pid)',
  pidfdSendSignal: 'int usnea_pidfd_send_signal(int pidfd, int signal)',
  waitReadable: 'int usnea_wait_readable(int fd, int timeout_ms)',
  catchSignals: 'int usnea_catch_signals(int which)',
  interruption: 'int usnea_interruption()',
  waitUninterrupted: 'int usnea_wait_uninterrupted(int fd)',
  forwardSignals: 'int usnea_forward_signals(int pid, int control, int has_terminal)',
  stopForwarding: 'int usnea_stop_forwarding()',
  connect: 'int usnea_connect(const char *path, int timeout_ms)',
  listen: 'int usnea_listen(const char *directory, const char *name)',
  connectDatagram: 'int usnea_connect_datagram(const char *path, int timeout_ms)',
  send: 'int usnea_send(int socket, const uint8_t *data, uint32_t size, const int32_t *fds, int count)',
  packetPair: 'int usnea_packet_pair(int32_t *ends)',
  receive: 'int usnea_receive(int socket, uint8_t *data, uint32_t size, int32_t *fds, int count)',
  fitTerminal: 'void usnea_fit_terminal(int console)',
  attend: 'int usnea_attend(int pid, const int32_t *fds, int console, int timeout_ms, int32_t *status)',
  mapTree: 'int usnea_map_tree(int tree, int userns, int recursive)',
  copyTree: 'int usnea_copy_tree(const char *path)',
  bindNotify: 'int usnea_bind_notify(const char *directory, const char *name)',
  relay: 'int usnea_relay(int fd, const char *host)',
  relayAside: 'int usnea_relay_aside(const char *path, int fd, const char *host, int pid, const char *label)',
  watchAside: 'int usnea_watch_aside(const char *path, int pid, int file, const char *label)',
  observeAside: 'int usnea_observe_aside(const char *path, const uint8_t *wish, uint32_t size, int32_t *ends)',
  watchGroup: 'int usnea_watch_group(const char *path, int channel, const char *label)',
  notify: 'int usnea_notify(const char *host, const char *text)',
  handOver: 'int usnea_hand_over(const char *path, const uint8_t *words, uint32_t size)',
  peer: 'int usnea_peer(int socket, int32_t *who)',
  guardDevices: 'int usnea_guard_devices(int cgroup, const uint8_t *program, uint32_t size)',
  openDirectory: 'int usnea_open_directory(const uint8_t *path)',
  openBeneath: 'int usnea_open_beneath(int dir, const uint8_t *path, uint32_t flags)',
  listXattrs: 'int usnea_list_xattrs(const uint8_t *path, uint8_t *names, uint32_t size)',
  getXattr: 'int usnea_get_xattr(const uint8_t *path, const uint8_t *name, uint8_t *value, uint32_t size)',
  setXattr: 'int usnea_set_xattr(const uint8_t *path, const uint8_t *name, const uint8_t *value, uint32_t size)',
  removeXattr: 'int usnea_remove_xattr(const uint8_t *path, const uint8_t *name)',
  syncFileSystem: 'int usnea_sync_file_system(int fd)',
  seekData: 'int64_t usnea_seek_data(int fd, int64_t from)',
  renameWith: 'int usnea_rename(const uint8_t *from, const uint8_t *to, uint32_t flags)',
  moveLink: 'int usnea_move_link(const char *name, const char *new_name, int from, int to, int up, int32_t *report)',
  landlockAbi: 'int usnea_landlock_abi()',
}

export function bind(library: { func(prototype: string): unknown }): Native {
  const native = {}
  for (const [name, prototype] of Object.entries(prototypes)) {
    const keep = (value: unknown) => Object.defineProperty(native, name, { value })
    const get = () => {
      const found = library.func(prototype)
      keep(found)
      return found
    }
    Object.defineProperty(native, name, { get, configurable: true, enumerable: true })
  }
  return native as Native
}
