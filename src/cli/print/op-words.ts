/** The arguments of an op as a person reads them: flags by name, modes in octal, paths that cannot be misread. */
import { RLIM_INFINITY } from '../../host/facts.ts'
import { rlimitNumbers } from '../../kernel/constants.ts'
import type { Op, OpName } from '../../kernel/plan.ts'
import { messages, opShapes } from '../../kernel/plan-def.ts'
import { BIND_HELD } from '../../linux/mounts/bind-flags.ts'
import {
  attributeWords,
  bindWords,
  capabilityWords,
  fileRightWords,
  filterWords,
  flagWords,
  mountWords,
  namespaceWords,
  portRightWords,
  propagationWords,
  scopeWords,
} from './flag-names.ts'

const HELD = BigInt(BIND_HELD)

type Words = { readonly [Name in OpName]?: (op: Extract<Op, { op: Name }>) => readonly string[] }

const special: Words = {
  mapSelf: ({ innerUid, outerUid, innerGid, outerGid }) => [
    `uid ${innerUid}=${outerUid}`,
    `gid ${innerGid}=${outerGid}`,
  ],
  groups: ({ ids }) => [ids.join(',') || 'none'],
  join: ({ type, name }) => [flagWords(type, namespaceWords), plain(name)],
  born: ({ flags }) => [flagWords(flags, namespaceWords)],
  become: ({ uid, gid, clearGroups }) => [`uid=${uid}`, `gid=${gid}`, clearGroups ? 'no groups' : ''],
  say: ({ message }) => [messageWord(message)],
  wait: ({ message }) => [messageWord(message)],
  unshare: ({ flags }) => [flagWords(flags, namespaceWords)],
  hook: ({ path, args, timeoutMs }) => [
    plain(path),
    ...args.slice(1).map(plain),
    Number(timeoutMs) > 0 ? `(at most ${timeoutMs} ms)` : '',
  ],
  propagate: ({ flags }) => [flagWords(flags, propagationWords)],
  root: ({ path }) => [plain(path)],
  coverRoot: ({ path }) => [plain(path)],
  mount: ({ fstype, target, flags, data }) => [
    `${plain(fstype)} → ${plain(target)}`,
    [flagWords(flags, mountWords), data === '' ? '' : plain(data)].filter((word) => word !== '').join(','),
  ],
  tmpfs: ({ target, attr, data, copy }) => [
    `→ ${plain(target)}`,
    [flagWords(attr, attributeWords), data === '' ? '' : plain(data)].filter((word) => word !== '').join(','),
    copy ? 'with a copy of what is there' : '',
  ],
  holdSource: ({ source, recursive, mapped, mapRecursive, slot }) => [
    plain(source),
    recursive ? 'recursive' : '',
    mapped ? (mapRecursive ? 'all of it mapped' : 'mapped') : '',
    `as ${slot}`,
  ],
  mapSource: ({ path, recursive, slot }) => [plain(path), recursive ? 'recursive' : '', `as ${slot}`],
  holdOverlay: ({ lower, upper, slot }) => [`${plain(lower)} with changes in ${plain(upper)}`, `as ${slot}`],
  holdServed: ({ channel, slot }) => [`served through ${channel}`, `as ${slot}`],
  hold: ({ path, slot }) => [plain(path), `as ${slot}`],
  bind: ({ source, target, flags, slot }) => [
    `${BigInt(flags) & HELD ? `held ${slot}` : plain(source)} → ${plain(target)}`,
    flagWords(BigInt(flags) & ~HELD, bindWords),
  ],
  attr: ({ target, set, clear, recursive, spare }) => [
    plain(target),
    change('+', flagWords(set, attributeWords)),
    change('-', flagWords(clear, attributeWords)),
    recursive ? 'recursive' : '',
    Number(spare) ? 'unless locked' : '',
  ],
  propagation: ({ target, flags }) => [plain(target), flagWords(flags, propagationWords)],
  mkdir: ({ path, mode }) => [plain(path), octal(mode)],
  symlink: ({ path, text }) => [`${plain(path)} → ${plain(text)}`],
  device: ({ path, type, major, minor, mode, uid, gid }) => [
    plain(path),
    node(type, major, minor),
    octal(mode),
    `${uid}:${gid}`,
  ],
  deviceBind: ({ path, type, major, minor }) => [plain(path), node(type, major, minor)],
  sysctl: ({ key, value }) => [`${plain(key)}=${plain(value)}`],
  pivot: ({ way }) => [['', 'by a move', 'by pivot_root only'][Number(way)] ?? ''],
  chroot: ({ path }) => [plain(path)],
  rootAttr: ({ set, propagation }) => [
    change('+', flagWords(set, attributeWords)),
    flagWords(propagation, propagationWords),
  ],
  terminal: ({ uid, width, height, plainNewlines }) => [
    `of ${uid}`,
    Number(width) > 0 && Number(height) > 0 ? `${width}x${height}` : '',
    plainNewlines ? 'newlines as they are' : '',
  ],
  umask: ({ mask }) => [octal(mask)],
  affinity: ({ cpus }) => [cpus.length === 0 ? 'all CPUs' : cpus.join(',')],
  rlimit: ({ resource, soft, hard }) => [rlimitWord(resource), `${limit(soft)}:${limit(hard)}`],
  bounding: ({ mask }) => [capabilityWords(mask)],
  cwd: ({ path, lenient }) => [plain(path), lenient ? 'if it can' : ''],
  user: ({ uid, gid, groups }) => [`uid=${uid}`, `gid=${gid}`, groups.length > 0 ? `groups=${groups.join(',')}` : ''],
  caps: ({ effective, permitted, inheritable, ambient }) => [
    `effective=${capabilityWords(effective)}`,
    permitted === effective ? '' : `permitted=${capabilityWords(permitted)}`,
    `inheritable=${capabilityWords(inheritable)}`,
    `ambient=${capabilityWords(ambient)}`,
  ],
  protect: ({ path, writable }) => [plain(path), writable ? 'from being moved' : ''],
  ruleset: ({ files, ports, scopes }) => [
    flagWords(files, fileRightWords),
    flagWords(ports, portRightWords),
    flagWords(scopes, scopeWords),
  ],
  allowPath: ({ path, access, required }) => [
    plain(path),
    flagWords(access, fileRightWords),
    required ? '' : 'where it exists',
  ],
  allowPort: ({ port, access }) => [String(port), flagWords(access, portRightWords)],
  observe: ({ program, flags }) => [`${program.length / 16} instructions`, flagWords(flags, filterWords)],
  seccomp: ({ program, flags }) => [`${program.length / 16} instructions`, flagWords(flags, filterWords)],
  lookup: ({ file }) => [plain(file)],
  holdNamespaces: () => [],
  gate: () => [],
  exec: ({ argv }) => argv.map(plain),
}

export function opWords(op: Op): string {
  const words = special[op.op] as ((op: Op) => readonly string[]) | undefined
  return (words?.(op) ?? everyArgument(op)).filter((word) => word !== '').join(' ')
}

/** An op that needs no words of its own: its only argument, or all of them by name. */
function everyArgument(op: Op): string[] {
  const { args } = opShapes[op.op]
  const values = op as unknown as Readonly<Record<string, unknown>>
  if (args.length === 1) return args.map(([name]) => plain(String(values[name])))
  return args.map(([name]) => `${name}=${plain(String(values[name]))}`)
}

/** As it is, unless somebody could take it for something else, or it would move the cursor: then in quotes. */
export function plain(text: string): string {
  return /^[^\s\p{C}"\\]+$/u.test(text) ? text : escapeControls(JSON.stringify(text))
}

function escapeControls(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** `userns-made` for usernsMade. */
function messageWord(number: number | bigint): string {
  const name = Object.entries(messages).find(([, value]) => value === Number(number))?.[0] ?? String(number)
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function rlimitWord(number: number | bigint): string {
  const name = Object.entries(rlimitNumbers).find(([, value]) => value === Number(number))?.[0]
  return name === undefined ? String(number) : name.slice('RLIMIT_'.length).toLowerCase()
}

const limit = (value: number | bigint) => (BigInt(value) === RLIM_INFINITY ? 'unlimited' : String(value))
const octal = (mode: number | bigint) => `0${mode.toString(8)}`
const change = (sign: string, words: string) => (words === '' ? '' : `${sign}${words}`)

/** inode(7) */
const nodeTypes = new Map([
  [0o010000, 'fifo'],
  [0o020000, 'char'],
  [0o060000, 'block'],
])

function node(type: number | bigint, major: number | bigint, minor: number | bigint): string {
  const word = nodeTypes.get(Number(type) & 0o170000) ?? octal(type)
  return word === 'fifo' ? word : `${word} ${major}:${minor}`
}
