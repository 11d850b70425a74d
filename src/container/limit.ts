/** One limit of a container, and what holds it. */
export interface Limit {
  /** RFC 6901 pointer into config.json. */
  readonly limit: string
  /** As it stands there. */
  readonly value: unknown
  /** `systemd` is a cgroup too, that systemd made and watches over. */
  readonly enforcedBy: 'cgroup' | 'systemd' | 'rlimit' | 'watchdog' | 'resctrl' | 'nothing'
  /** The directory in which the kernel keeps it, or why nothing does. */
  readonly detail?: string
}
