import { policyRules } from '../config/sandbox.ts'

/** How the options of a verb are declared: one table, read by the argument cutter and by help alike. */

export interface Flag {
  /** Long name, without dashes. `--name` and `-name` both mean it. */
  readonly name: string
  /** Single letters that mean the same. */
  readonly short?: string
  readonly kind: 'boolean' | 'text' | 'list' | 'number'
  /** What the value is called in help. */
  readonly value?: string
  readonly help: string
  /**
   * `ignored`: callers send it and lose nothing when it has no effect; not shown in help.
   * `later`: known, but asking for it is refused by name.
   * `internal`: one process of ours asks another one; not shown in help.
   */
  readonly status?: 'ignored' | 'later' | 'internal'
  /**
   * An empty text is a value, and so mostly a mistake. Without it the option counts as not given: callers of runc pass
   * what their own caller left empty.
   */
  readonly empty?: 'kept'
  /** The value goes to the program as it is, so it need not be UTF-8. */
  readonly bytes?: true
}

type Value<Kind extends Flag['kind']> = Kind extends 'boolean'
  ? boolean
  : Kind extends 'list'
    ? readonly string[]
    : Kind extends 'number'
      ? number | undefined
      : string | undefined

/** The values of a table of flags, by long name. A flag that was not given is false, empty or undefined. */
export type Values<Flags extends readonly Flag[]> = {
  readonly [Entry in Flags[number] as Entry['name']]: Value<Entry['kind']>
}

/** What the argument cutter has to know of a verb. */
export interface Grammar<Flags extends readonly Flag[] = readonly Flag[]> {
  readonly name: string
  readonly flags: Flags
  /** Fewest and most arguments; of the words of the command where the tail is one. */
  readonly count: readonly [fewest: number, most: number]
  /**
   * Where somebody else's words begin, which are never read as ours. `after-first`: behind the first positional
   * argument (`exec ID ls -l`). `command`: at the first positional argument, or behind `--`.
   */
  readonly tail?: 'after-first' | 'command'
}

/** What was asked of a verb. */
export interface Call<Flags extends readonly Flag[] = readonly Flag[]> {
  readonly flags: Values<Flags>
  readonly args: readonly string[]
  /** The words that belong to somebody else, untouched. */
  readonly tail: readonly string[]
  readonly help: boolean
}

export const globalFlags = [
  { name: 'root', kind: 'text', value: 'DIR', help: 'directory that holds the state of the containers', empty: 'kept' },
  { name: 'log', kind: 'text', value: 'FILE', help: 'append errors to this file as well; or journald:ID, syslog:ID' },
  { name: 'log-format', kind: 'text', value: 'FORMAT', help: 'text or json (text)' },
  { name: 'log-level', kind: 'text', value: 'LEVEL', help: 'error, warning, info or debug (error)' },
  { name: 'debug', kind: 'boolean', help: 'the same as --log-level debug' },
  { name: 'systemd-cgroup', short: 's', kind: 'boolean', help: 'let systemd make the cgroups' },
  { name: 'cgroup-manager', kind: 'text', value: 'NAME', help: 'systemd, cgroupfs or disabled' },
  { name: 'rootless', kind: 'text', value: 'BOOL', help: 'tolerate failing cgroup writes: true, false or auto (auto)' },
  {
    name: 'enforce',
    kind: 'text',
    value: 'BY',
    help: 'watchdog: where no cgroup can be had, watch over memory and pids (cgroup)',
  },
  { name: 'allow-missing', kind: 'text', value: 'LIST', help: 'go on without these: apparmor, selinux, atime' },
  { name: 'criu', kind: 'text', value: 'PATH', help: 'ignored', status: 'ignored' },
  { name: 'address', kind: 'text', value: 'PATH', help: 'the socket that a shim was given', status: 'internal' },
  { name: 'version', short: 'vV', kind: 'boolean', help: 'print the version' },
] as const satisfies readonly Flag[]

export type GlobalValues = Values<typeof globalFlags>

/** Options of a sandbox: of `sandbox`, of `plan -- CMD`, and before a bare `--`. */
export const sandboxFlags = [
  ...policyRules,
  { name: 'net-log', kind: 'text', value: 'FILE', help: 'with --allow-host: append what is let through and refused' },
  {
    name: 'log-denials',
    kind: 'text',
    value: 'FILE',
    help: 'append what is denied; - for standard error',
    empty: 'kept',
  },
  { name: 'no-config', kind: 'boolean', help: 'read no file and no variable of ours' },
  { name: 'explain', kind: 'boolean', help: 'tell the policy in words, and who said what; run nothing' },
  { name: 'json', kind: 'boolean', help: 'with --explain, and of a plan: print JSON' },
] as const satisfies readonly Flag[]

export type SandboxValues = Values<typeof sandboxFlags>
