/** What a caller may ask of a sandbox, checked and made absolute. */
import { realpathSync } from 'node:fs'
import { isAbsolute, normalize } from 'node:path'
import type { Level } from '../host/level.ts'
import type { PortRule } from '../linux/landlock/plan.ts'
import type { Denial } from './denials/shape.ts'
import { checkHelper, type Helper, type HelperName, isHelper } from './egress/helper.ts'
import { checkEgress, type Egress, type EgressOptions } from './egress/options.ts'
import { type Exposure, exposure, special } from './exposure.ts'
import { globIn } from './glob.ts'
import { type GroupWords, groupWords } from './groups.ts'
import { type CheckedLayer, checkLayer, type LayerOptions } from './layer-options.ts'
import { type Acceptable, acceptable, checkLevel, type Demanded, demandable } from './level-words.ts'
import { checkLimits, type LimitOptions, type Limits } from './limits.ts'
import { absolute, checkEnv, checkTimeout, noneOf, wrong } from './option-values.ts'
import type { ProfileName } from './profile-names.ts'

export interface SandboxOptions extends EgressOptions, LimitOptions {
  /** Paths that the command may change, as `PATH` or `PATH:DEST`. Default: none. */
  readonly rw?: readonly string[]
  /** Paths that it may read although they lie under a private place, as `PATH` or `PATH:DEST`. Default: none. */
  readonly ro?: readonly string[]
  /** Paths that it must not see: a file reads as empty, a directory as empty. Default: none. */
  readonly hide?: readonly string[]
  /** Paths that fail with an error (EACCES) instead of looking empty. In `hide` and `deny`: `*`, `?`, `[…]`, `**`. Default: none. */
  readonly deny?: readonly string[]
  /** Unix sockets of the host that are shown, as `ro` would, and are checked to be some. Default: none. */
  readonly socket?: readonly string[]
  /** Devices, or directories of them, below /dev that may be used. Default: none. */
  readonly device?: readonly string[]
  /** Rules for a kind of work: `strict`, `build`, `node`, `python`, `agent`, `desktop`. Everything else is on top of it. Default: none. */
  readonly profile?: ProfileName
  /** `none`: a network of its own with only a loopback. `host`: the caller's. Default `none`. */
  readonly net?: 'none' | 'host' | HelperName
  /** With pasta or slirp4netns: ports of the host that lead to ports of the command, as `[ADDRESS:]HOST:PORT`. ADDRESS is 127.0.0.1 by default. */
  readonly publish?: readonly string[]
  /** Added to the clean environment; `undefined` removes a name. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** May the command make user namespaces of its own? Browsers and sandboxes inside need it. Default false. */
  readonly nested?: boolean
  /**
   * Supplementary groups of the caller that it keeps: `all`, `none`, or names and numbers; one behind `?` where the caller has
   * it. Others are dropped, or it is not run: see docs/sandbox.md. Default `all`.
   */
  readonly groups?: string | readonly (string | number)[]
  /** Working directory inside. Default: the caller's where it can be seen, else the home directory, else `/`. */
  readonly cwd?: string
  /** Milliseconds after which every command is ended. Default: none. */
  readonly timeout?: number
  /**
   * Milliseconds between the SIGTERM at the end of `timeout`, or at an abort, and the end of the whole tree. Default: 5000,
   * and none on the command line.
   */
  readonly grace?: number
  /**
   * The weakest level that will do: `R`, `N`, `U3`, `U2`, `U1`, `U0`, `L`. Default `U0`. With `L` a command runs under
   * Landlock alone where user namespaces are refused.
   */
  readonly minLevel?: Level
  /** Parts that must be had: `netns`, `pidns`, `proc`, … Default: none. */
  readonly require?: readonly Demanded[]
  /** Losses that will do: `protect` (dangerous files in writable directories), and those of level L: `metadata`, `unix-sockets`, … Default: none. */
  readonly accept?: readonly Acceptable[]
  /** TCP ports that may be connected to, with `net: 'host'`. Where these or `listen` are given all others are closed, and so is UDP. Default: all. */
  readonly connect?: readonly number[]
  /** TCP ports that may be listened at. Default: as `connect`. */
  readonly listen?: readonly number[]
  /**
   * Sees what commands are denied, for their results; a function also hears of each when it happens, as who listens to
   * `denial` does. It must not throw. The fence is the same with and without. Default: only while somebody listens.
   */
  readonly denials?: boolean | ((denial: Denial) => void)
  /** Paths in writable directories that stay as they are: files of yours that the command must not write to, such as a log. Default: none. */
  readonly kept?: readonly string[]
  /** Folders that the command may change without changing the host: see docs/try.md. Default: none. */
  readonly layer?: string | LayerOptions
}

export interface CheckedOptions {
  /** The hosts that may be reached by name; undefined: `net` says it all. */
  readonly egress: Egress | undefined
  readonly exposures: readonly Exposure[]
  readonly hide: readonly string[]
  readonly deny: readonly string[]
  readonly net: 'none' | 'host' | HelperName
  /** The program that connects the network. */
  readonly helper: Helper | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string | undefined
  readonly timeout: number | undefined
  readonly grace: number | undefined
  readonly limits: Limits
  readonly nested: boolean
  readonly groups: GroupWords
  readonly minLevel: Level
  readonly require: readonly Demanded[]
  readonly accept: ReadonlySet<Acceptable>
  /** TCP ports that are open; undefined: all. */
  readonly ports: readonly PortRule[] | undefined
  readonly layer: CheckedLayer | undefined
  /** Real paths of what stays as it is in writable directories. */
  readonly kept: readonly string[]
  /** Are denials to be seen? */
  readonly isObserved: boolean
  readonly onDenial: ((denial: Denial) => void) | undefined
}

/** @throws RuntimeError `sandbox-option` */
export function checkOptions(options: SandboxOptions, cwd: string): CheckedOptions {
  const { rw = [], ro = [], hide = [], deny = [], socket = [], device = [], net = 'none', env = {} } = options
  for (const [name, list] of Object.entries({ rw, ro, hide, deny, socket, device }))
    if (!Array.isArray(list) || list.some((path) => typeof path !== 'string'))
      throw wrong(name, 'a list of paths is expected')
  if (net !== 'none' && net !== 'host' && !isHelper(net))
    throw wrong('net', `${JSON.stringify(net)} is none of none, host, pasta, slirp4netns`)
  return {
    exposures: [
      ...ro.flatMap((text) => exposure(text, 'ro', cwd)),
      ...rw.flatMap((text) => exposure(text, 'rw', cwd)),
      ...socket.flatMap((text) => special(text, 'socket', cwd)),
      ...device.flatMap((text) => special(text, 'device', cwd)),
    ],
    hide: hide.map((path) => covered(path, 'hide', cwd)),
    deny: deny.map((path) => covered(path, 'deny', cwd)),
    net,
    egress: checkEgress(options, wrong),
    helper: checkHelper(options, wrong),
    env: checkEnv(env),
    cwd: options.cwd === undefined ? undefined : absolute(options.cwd, 'cwd', cwd),
    timeout: checkTimeout(options.timeout),
    grace: options.grace === 0 ? 0 : checkTimeout(options.grace, 'grace'),
    limits: checkLimits(options, wrong),
    nested: options.nested ?? false,
    groups: groupWords(options.groups),
    minLevel: checkLevel(options.minLevel),
    require: known('require', options.require ?? [], demandable),
    accept: new Set(known('accept', options.accept ?? [], Object.keys(acceptable) as Acceptable[])),
    ports: checkPorts(options),
    layer: checkLayer(options.layer, cwd),
    kept: (options.kept ?? []).map((path) => realOf(absolute(path, 'kept', cwd))),
    isObserved: checkDenials(options.denials) !== false,
    onDenial: typeof options.denials === 'function' ? options.denials : undefined,
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    throw wrong('kept', `${path} does not exist`)
  }
}

/** Checked as a path, and with wildcards in what was written only. */
function covered(text: string, option: 'hide' | 'deny', cwd: string): string {
  absolute(text, option, cwd)
  return isAbsolute(text) ? normalize(text).replace(/(.)\/$/, '$1') : globIn(cwd, text)
}

function known<Name extends string>(option: string, names: readonly unknown[], all: readonly Name[]): Name[] {
  return names.map((name) => {
    const found = all.find((one) => one === name)
    if (found === undefined) throw wrong(option, noneOf(name, all))
    return found
  })
}

function checkDenials(denials: unknown = false): unknown {
  if (typeof denials !== 'boolean' && typeof denials !== 'function')
    throw wrong('denials', 'true or a function is expected')
  return denials
}

function checkPorts({ connect, listen, net }: SandboxOptions): PortRule[] | undefined {
  if (connect === undefined && listen === undefined) return undefined
  if (net !== 'host') throw wrong('connect', 'ports are of the network of the host: they need net host')
  const rules = (use: 'connect' | 'listen', ports: readonly number[] = []) =>
    ports.map((port): PortRule => {
      if (!Number.isInteger(port) || port < 1 || port > 65_535) throw wrong(use, `${port} is no port`)
      return { port, use: use === 'listen' ? 'bind' : 'connect', origin: `${use} ${port}` }
    })
  return [...rules('connect', connect), ...rules('listen', listen)]
}
