/** A rule that a policy could be given, and whether giving it is dangerous. Pure. */

import { dangerInPath, dangerOfPath } from '../danger.ts'
import { nearness } from '../egress/near.ts'
import { parseRule } from '../egress/rules.ts'

export type GrantRule = 'rw' | 'ro' | 'cwd' | 'socket' | 'device' | 'allow-host' | 'net' | 'nested' | 'accept'

export interface Grant {
  readonly rule: GrantRule
  /** `true` for a switch. */
  readonly value: string
  /** It was closed where it was denied: this machine, one of its networks, or a range that is private. */
  readonly isNear?: boolean
}

/** Relative to a home: whoever reads them is whoever they belong to. */
const secrets = [
  ...['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.docker', '.config/containers/auth.json', '.netrc', '.authinfo'],
  ...['.git-credentials', '.config/git/credentials', '.config/gh', '.config/hub', '.config/glab-cli', '.config/gcloud'],
  ...['.npmrc', '.yarnrc.yml', '.pypirc', '.cargo/credentials', '.cargo/credentials.toml', '.gem/credentials'],
  ...['.m2/settings.xml', '.gradle/gradle.properties', '.terraform.d', '.terraformrc', '.vault-token', '.my.cnf'],
  ...['.pgpass', '.s3cfg', '.password-store', '.local/share/keyrings', '.local/share/kwalletd', '.pki', '.config/op'],
  ...[
    '.mozilla',
    '.config/google-chrome',
    '.config/chromium',
    '.config/BraveSoftware',
    '.thunderbird',
    '.config/rclone',
  ],
  ...['.bash_history', '.zsh_history', '.local/share/fish', '.python_history', '.node_repl_history', '.psql_history'],
  ...['.claude', '.claude.json', '.codex', '.config/github-copilot', '.Xauthority', '.config/sops', '.config/age'],
]

/** Files of the system that hold keys, or say who may do what. */
const closedSystem = [
  '/etc/shadow',
  '/etc/gshadow',
  '/etc/sudoers',
  '/etc/sudoers.d',
  '/etc/ssh',
  '/etc/ssl/private',
  '/root',
]

/** Writing there changes what everybody runs. */
const system = [
  '/bin',
  '/boot',
  '/etc',
  '/lib',
  '/lib32',
  '/lib64',
  '/opt',
  '/proc',
  '/sbin',
  '/sys',
  '/usr',
  '/var/lib',
  '/nix',
]

/** Whoever may talk to one of these may do what it may do. */
const masters =
  /docker|podman|containerd|lxd|incus|multipass|microk8s|crio|buildkit|libvirt|systemd|dbus|\/bus$|snapd|ssh|gnupg|gpg|agent|keyring|\.X11-unix|wayland|pulse|pipewire|polkit|tmux|screen/i
const masterDevices =
  /^\/dev\/(mem|kmem|port|sd|hd|vd|xvd|nvme|dm-|mapper|loop|md|input|uinput|uhid|vhost|tty\d|console|kmsg|fuse|kvm|vfio|bus|disk)/

const isWithin = (path: string, place: string): boolean => path === place || path.startsWith(`${place}/`)

/** Places of secrets, whether they are there or not. */
export const secretPlaces = (home: string | undefined): string[] =>
  home === undefined ? [] : secrets.map((name) => `${home}/${name}`)

/** Whose secret it is, or undefined. */
export function secretOf(path: string, home: string | undefined): string | undefined {
  const base = path.slice(path.lastIndexOf('/') + 1)
  if (home !== undefined) {
    const found = secretPlaces(home).find((place) => isWithin(path, place))
    if (found !== undefined) return 'it holds keys, passwords or what was typed'
    if (path === home) return 'it is the whole home'
  }
  if (closedSystem.some((place) => isWithin(path, place) && place !== home))
    return 'it holds keys, or says who may do what'
  if (/^\.env(\.|$)|\.(key|p12|pfx|jks|kdbx)$|key[^/]*\.pem$|^id_(rsa|dsa|ecdsa|ed25519)/.test(base))
    return 'its name is that of a key'
  return undefined
}

/**
 * The directory is none of the dangerous ones, and such lie in it. The sandbox holds those that it knows, so who watched his
 * own program need it may grant it; a log may hold what somebody else wants opened.
 */
export const cautionOfGrant = ({ rule, value }: Grant): string | undefined =>
  rule === 'rw' ? dangerInPath(value) : undefined

/** Why nobody should grant it without thinking; undefined: it opens what it says, and no more. */
export function dangerOfGrant({ rule, value, isNear = false }: Grant, home: string | undefined): string | undefined {
  if (rule === 'nested') return 'it opens the parts of the kernel that need privileges inside of a user namespace'
  if (rule === 'accept') return 'it lets go of a part of the fence'
  if (rule === 'net') return 'it opens the network of the host, with all that listens there'
  if (rule === 'socket')
    return masters.test(value) ? 'whoever may talk to it may do what it may do' : secretOf(value, home)
  if (rule === 'device')
    return masterDevices.test(value) ? 'it is the machine itself, or another user of it' : undefined
  if (rule === 'allow-host')
    return dangerOfHost(value) ?? (isNear ? 'it is this machine, or a network of its own' : undefined)
  return rule === 'cwd' ? undefined : dangerOfPathGrant(rule, value, home)
}

function dangerOfPathGrant(rule: 'rw' | 'ro', path: string, home: string | undefined): string | undefined {
  if (path === '/') return 'it is everything'
  const secret = secretOf(path, home)
  if (secret !== undefined || rule === 'ro') return secret
  if (system.some((place) => isWithin(path, place))) return 'others run or obey what is there'
  return dangerOfPath(path)?.why
}

function dangerOfHost(value: string): string | undefined {
  const parsed = parseRule(value)
  return 'rule' in parsed ? nearness(parsed.rule, []) : undefined
}
