/**
 * The rules of a sandbox's policy, as data: the options of the command line, the keys of files, the variables, what a
 * project's file may say, and the table of docs/policy.md come from here.
 */
import type { Shape } from './shape.ts'

/** How a value is written in a file. */
type Written = 'texts' | 'ports' | 'text' | 'switch'

export interface PolicyRule {
  /** Of the option, without dashes, and the key in a file. */
  readonly name: string
  /** In `sandbox({ … })`. */
  readonly option: string
  readonly kind: 'list' | 'text' | 'boolean'
  readonly written: Written
  readonly value?: string
  readonly short?: string
  readonly help: string
  readonly empty?: 'kept'
  readonly bytes?: true
  readonly oneOf?: readonly string[]
  readonly env?: string
  /**
   * What an untrusted project's file may say: `narrows`, because it only takes away; `inside`, of paths in the project
   * itself; a sentence where only some values do; `never`.
   */
  readonly project: 'narrows' | 'inside' | 'never' | { readonly only: string }
}

export const policyRules = [
  {
    name: 'rw',
    option: 'rw',
    kind: 'list',
    written: 'texts',
    value: 'PATH[:DEST]',
    help: 'show a path of the host, writable',
    project: 'inside',
  },
  {
    name: 'ro',
    option: 'ro',
    kind: 'list',
    written: 'texts',
    value: 'PATH[:DEST]',
    help: 'show a path of the host, read-only',
    project: 'inside',
  },
  {
    name: 'hide',
    option: 'hide',
    kind: 'list',
    written: 'texts',
    value: 'PATH',
    help: 'cover a path',
    project: 'narrows',
  },
  {
    name: 'deny',
    option: 'deny',
    kind: 'list',
    written: 'texts',
    value: 'PATH',
    help: 'let every access to a path fail',
    project: 'narrows',
  },
  {
    name: 'socket',
    option: 'socket',
    kind: 'list',
    written: 'texts',
    value: 'PATH',
    help: 'show one unix socket of the host',
    project: 'never',
  },
  {
    name: 'device',
    option: 'device',
    kind: 'list',
    written: 'texts',
    value: 'PATH',
    help: 'show a device, or a directory of devices, below /dev',
    project: 'never',
  },
  {
    name: 'net',
    option: 'net',
    kind: 'text',
    written: 'text',
    value: 'NET',
    help: 'none, host, pasta or slirp4netns (none)',
    empty: 'kept',
    env: 'USNEA_NET',
    project: { only: 'none' },
  },
  {
    name: 'publish',
    option: 'publish',
    short: 'p',
    kind: 'list',
    written: 'texts',
    value: '[ADDRESS:]HOST:PORT',
    help: 'with pasta or slirp4netns: a port of the host that leads to one of the command',
    project: 'never',
  },
  {
    name: 'allow-host',
    option: 'allowHosts',
    kind: 'list',
    written: 'texts',
    value: 'HOST[:PORT]',
    help: "a host that may be reached, such as '*.example.org:443'; all others are refused",
    project: 'never',
  },
  {
    name: 'proxy',
    option: 'proxyVariables',
    kind: 'boolean',
    written: 'switch',
    help: 'with --allow-host: set HTTP_PROXY and its like too',
    project: 'never',
  },
  {
    name: 'connect',
    option: 'connect',
    kind: 'list',
    written: 'ports',
    value: 'PORT,…',
    help: 'with --net host: the only TCP ports to connect to',
    project: 'never',
  },
  {
    name: 'listen',
    option: 'listen',
    kind: 'list',
    written: 'ports',
    value: 'PORT,…',
    help: 'with --net host: the only TCP ports to listen at',
    project: 'never',
  },
  {
    name: 'nested',
    option: 'nested',
    kind: 'boolean',
    written: 'switch',
    help: 'let the command make user namespaces of its own',
    project: { only: 'false' },
  },
  {
    name: 'env',
    option: 'env',
    short: 'e',
    kind: 'list',
    written: 'texts',
    value: 'NAME[=VALUE]',
    help: 'set a variable, or pass ours on',
    bytes: true,
    project: { only: 'NAME=VALUE' },
  },
  {
    name: 'cwd',
    option: 'cwd',
    kind: 'text',
    written: 'text',
    value: 'DIR',
    help: 'working directory of the command',
    empty: 'kept',
    project: 'inside',
  },
  {
    name: 'profile',
    option: 'profile',
    short: 'p',
    kind: 'text',
    written: 'text',
    value: 'NAME',
    help: 'rules for a kind of work: strict, build, node, python, agent, desktop',
    empty: 'kept',
    env: 'USNEA_PROFILE',
    project: { only: 'strict, build' },
  },
  {
    name: 'min-level',
    option: 'minLevel',
    kind: 'text',
    written: 'text',
    value: 'LEVEL',
    help: 'the weakest level that will do: R N U3 U2 U1 U0 L (U0)',
    empty: 'kept',
    env: 'USNEA_MIN_LEVEL',
    project: { only: 'all but L' },
  },
  {
    name: 'require',
    option: 'require',
    kind: 'list',
    written: 'texts',
    value: 'PART,…',
    help: 'parts that must be had: netns, pidns, proc, …',
    project: 'narrows',
  },
  {
    name: 'accept',
    option: 'accept',
    kind: 'list',
    written: 'texts',
    value: 'LOSS,…',
    help: 'losses that will do: protect, limits, and of level L metadata, unix-sockets, …',
    project: 'never',
  },
  {
    name: 'timeout',
    option: 'timeout',
    kind: 'text',
    written: 'text',
    value: 'TIME',
    help: 'end it after this time, such as 30s or 2m (exit status 124)',
    empty: 'kept',
    env: 'USNEA_TIMEOUT',
    project: 'narrows',
  },
  {
    name: 'grace',
    option: 'grace',
    kind: 'text',
    written: 'text',
    value: 'TIME',
    help: 'at the end of its time ask it with SIGTERM, and kill it after this time (0)',
    empty: 'kept',
    env: 'USNEA_GRACE',
    project: { only: 'no longer than yours' },
  },
  {
    name: 'memory',
    option: 'memory',
    kind: 'text',
    written: 'text',
    value: 'SIZE',
    help: 'memory of all its processes together, such as 512M',
    empty: 'kept',
    env: 'USNEA_MEMORY',
    project: 'narrows',
  },
  {
    name: 'pids',
    option: 'pids',
    kind: 'text',
    written: 'text',
    value: 'N',
    help: 'processes and threads at once',
    empty: 'kept',
    env: 'USNEA_PIDS',
    project: 'narrows',
  },
  {
    name: 'cpus',
    option: 'cpus',
    kind: 'text',
    written: 'text',
    value: 'N',
    help: 'processors, such as 1.5 (needs a cgroup)',
    empty: 'kept',
    env: 'USNEA_CPUS',
    project: 'narrows',
  },
  {
    name: 'files',
    option: 'files',
    kind: 'text',
    written: 'text',
    value: 'N',
    help: 'descriptors that a process may have open',
    empty: 'kept',
    project: 'narrows',
  },
  {
    name: 'disk',
    option: 'disk',
    kind: 'text',
    written: 'text',
    value: 'SIZE',
    help: 'the most that each private directory holds, such as 64M',
    empty: 'kept',
    project: 'narrows',
  },
] as const satisfies readonly PolicyRule[]

export type RuleName = (typeof policyRules)[number]['name']
export type OptionName = (typeof policyRules)[number]['option']

const shapes: Readonly<Record<Written, (rule: PolicyRule) => Shape>> = {
  texts: () => ({ kind: 'list', of: { kind: 'text' } }),
  ports: () => ({ kind: 'list', of: { kind: 'integer', least: 1, most: 65_535 } }),
  text: ({ env }) => ({ kind: 'text', ...(env === undefined ? {} : { env }) }),
  switch: () => ({ kind: 'boolean' }),
}

/** `.usnea.toml`, and the table `[sandbox]` of config.toml, where `trust` stands besides. */
export const policyShape = {
  kind: 'table',
  keys: Object.fromEntries(policyRules.map((rule): [string, Shape] => [rule.name, shapes[rule.written](rule)])),
} as const satisfies Shape

export const sandboxShape = {
  kind: 'table',
  keys: { ...policyShape.keys, trust: { kind: 'named', of: { kind: 'text' } } },
} as const satisfies Shape
