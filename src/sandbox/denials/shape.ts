/** What a denial looks like to whoever hears of it: the same for files, networks, system calls and processes. */
export type DenialKind = 'file' | 'network' | 'call' | 'process' | 'lost'

export interface Denial {
  /** ISO 8601, UTC: when it was first seen. */
  readonly time: string
  /** `allowed` and `weaker` only in the log of a filtered network, and while a policy is learnt. */
  readonly verdict: 'refused' | 'allowed' | 'weaker'
  /** `lost`: so many of the kind in `action` found no room in the log any more, each different from all before. */
  readonly kind: DenialKind
  /**
   * Of files `read`, `write`, `execute`, `look`, `enter`, `create`, `remove`, `change`, `connect`, `bind`; of networks
   * `connect`, `send`, `bind`, and with allowed hosts `dns`, `tcp`, `proxy`; `call`; of processes `signal` and the words
   * of files in /proc.
   */
  readonly action: string
  /** As the command has it. Bytes that are no UTF-8 are U+FFFD, and then `pathBase64` has them all. */
  readonly path?: string
  readonly pathBase64?: string
  readonly host?: string
  readonly address?: string
  readonly port?: number
  /** The system call, such as `openat`. */
  readonly call?: string
  /** Of `call`: its first argument where that decides, such as the family of a socket. */
  readonly argument?: number
  /** What the command got, such as `EROFS`; absent where it was shown something else in its place. */
  readonly errno?: string
  /** What denied it: `read-only`, `private PATH`, `hide PATH`, `deny PATH`, `protect PATH`, `net none`, … See docs/denials.md. */
  readonly rule: string
  /** Of allowed hosts: see docs/network.md. */
  readonly reason?: string
  /** By its number outside of the sandbox. */
  readonly pid?: number
  /** Its name, as it calls itself. */
  readonly command?: string
  /** How often all in all: in a second line at the end, where it was more than once. */
  readonly count?: number
}
