/** The only koffi import: loads native/lib and gives its functions types. Every call returns -errno on failure. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RuntimeError } from '../base/errors.ts'
import { errnoName } from './errno.ts'

/** Wishes in the descriptor list of `spawn` besides a number: see native/lib/usnea.h. */
export const FD_NULL = -1
export const FD_PIPE_IN = -2
export const FD_PIPE_OUT = -3

export interface Native {
  openInit(path: string): number
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

/** The directory that holds usnea-init, usnea-attend, usnea-watch and libusnea.so: a checkout's build, or the package's own for this machine. */
function nativeDirectory(): string {
  const tried: string[] = []
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    for (const directory of [join(at, 'native/build'), join(at, `native/prebuilt/linux-${process.arch}`)]) {
      if (existsSync(join(directory, 'libusnea.so'))) return directory
      tried.push(directory)
    }
    if (at === dirname(at)) throw new RuntimeError('native-missing', { details: [`looked in ${tried.join(', ')}`] })
  }
}

/**
 * Late, because it is the one heavy module and only a launch needs it. koffi's own entry spends three quarters of its
 * time on finding its package for this platform, so that one is asked first.
 */
function loadKoffi(): typeof import('koffi') {
  const load = loader()
  const name = `@koromix/koffi-linux-${process.arch}`
  try {
    // Its entry reads the program of Node to tell C libraries apart, which takes longer than loading what it chooses.
    if (!existsSync(`/lib/ld-musl-${machine}.so.1`)) return load(`${name}/linux_${process.arch}/koffi.node`)
  } catch {
    // another release may lie differently
  }
  try {
    return load(name)
  } catch {
    return load('koffi') // a package manager that shows us direct dependencies only
  }
}

/** By name; each is looked up when it is first called, because no verb needs half of them. */
const prototypes: Readonly<Record<keyof Native, string>> = {
  openInit: 'int usnea_open_init(const char *path)',
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

function bind(library: { func(prototype: string): unknown }): Native {
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

const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'

/** In the bundle there is a `require`; node:module would bring threads and streams along. */
const loader = (): NodeJS.Require =>
  typeof require === 'function' ? require : process.getBuiltinModule('node:module').createRequire(import.meta.url)

let loaded: { native: Native; directory: string } | undefined

function load(): { native: Native; directory: string } {
  if (loaded) return loaded
  const directory = nativeDirectory()
  const library = loadKoffi().load(join(directory, 'libusnea.so'))
  const native = bind(library)
  loaded = { native, directory }
  return loaded
}

export const native = (): Native => load().native

let initDescriptor: number | undefined

/**
 * A sealed memory copy of init, made once a process and kept for its life.
 * @throws RuntimeError `memfd-refused` (memfd_create(2), fcntl(2) F_ADD_SEALS)
 */
export function sealedInit(): number {
  if (initDescriptor === undefined) {
    const { native, directory } = load()
    const fd = native.openInit(join(directory, 'usnea-init'))
    if (fd < 0) throw new RuntimeError('memfd-refused', { errno: errnoName(-fd) })
    initDescriptor = fd
  }
  return initDescriptor
}

/**
 * In the middle of `attend`: a small program goes on with it in this process, and at the end runs `command`. Comes back
 * only when that is not possible here, which is no failure: the caller goes on by itself.
 */
export function handOver(command: readonly string[]): void {
  const words = Buffer.from(command.map((word) => `${word}\0`).join(''))
  const { native, directory } = load()
  native.handOver(join(directory, 'usnea-attend'), words, words.length)
}

export interface RelayWish {
  /** The socket that the container writes to. */
  readonly fd: number
  readonly address: string
  /** The container's first process. */
  readonly pid: number
  /** What lists of processes show of it. */
  readonly label: string
}

/** A small program relays until the container is ready or has ended. @returns 0 or -errno */
export function relayAside({ fd, address, pid, label }: RelayWish): number {
  const { native, directory } = load()
  return native.relayAside(join(directory, 'usnea-attend'), fd, address, pid, label)
}

export interface WatchWish {
  /** The container's first process. */
  readonly pid: number
  /** See native/watch/watch.h. */
  readonly file: number
  /** What lists of processes show of it. */
  readonly label: string
}

/** A small program ends the container when it uses more than the limits in the file. @returns 0 or -errno */
export function watchAside({ pid, file, label }: WatchWish): number {
  const { native, directory } = load()
  return native.watchAside(join(directory, 'usnea-watch'), pid, file, label)
}

/** The end of the channel for init, and where records are read: both the caller's to close. */
export interface Observing {
  readonly channel: number
  readonly records: number
}

/** A small program sees what a sandbox that is made next is denied: see native/observe. @returns its ends, or -errno */
export function observeAside(wish: Uint8Array): Observing | number {
  const { native, directory } = load()
  const ends = new Int32Array(2)
  const done = native.observeAside(join(directory, 'usnea-observe'), wish, wish.length, ends)
  return done < 0 ? done : { channel: ends[0] ?? -1, records: ends[1] ?? -1 }
}

/** A small program watches over the sandboxes of this one, as long as the other end of the channel is open. @returns 0 or -errno */
export function watchGroup(channel: number, label: string): number {
  const { native, directory } = load()
  return native.watchGroup(join(directory, 'usnea-watch'), channel, label)
}
