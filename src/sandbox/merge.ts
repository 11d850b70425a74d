/** Who says what: layers of a policy, the strongest first, become one. Lists add up; of single values the strongest holds. */
import { policyRules } from '../config/sandbox.ts'
import type { Host } from '../host/facts.ts'
import { groupsText } from './groups.ts'
import { noneOf, wrong } from './option-values.ts'
import type { SandboxOptions } from './options.ts'
import type { ProfileName } from './profile-names.ts'
import { profiles } from './profiles.ts'

export interface PolicyLayer {
  readonly options: SandboxOptions
  /** Where a rule was said, for people: `--rw`, `$USNEA_NET`, `FILE:LINE:COLUMN`, `profile build`. */
  place(rule: string): string
}

/** One value and who said it. */
export interface Said {
  readonly rule: string
  readonly value: string
  readonly place: string
}

export interface Merged {
  readonly options: SandboxOptions
  readonly said: readonly Said[]
}

/** The profile is the one that the strongest layer names, and comes last. @throws RuntimeError `sandbox-option` */
export function mergePolicies(layers: readonly PolicyLayer[], host: Host): Merged {
  const named = layers.find(({ options }) => options.profile !== undefined)
  const all =
    named === undefined ? layers : [...layers, below(layers, profileLayer(named.options.profile as string, host))]
  const options: Record<string, unknown> = {}
  const said: Said[] = []
  for (const { name, option, kind } of policyRules)
    for (const layer of all) {
      const value = (layer.options as Readonly<Record<string, unknown>>)[option]
      if (value === undefined) continue
      const isFirst = options[option] === undefined
      if (kind === 'list') options[option] = joined(options[option], value)
      else if (isFirst) options[option] = value
      if (kind === 'list' || isFirst)
        said.push(...wordsOf(name, value).map((text) => ({ rule: name, value: text, place: layer.place(name) })))
    }
  // What is not for files is the caller's own word.
  const { onNetwork, netfilter, layer, denials, kept } = layers[0]?.options ?? {}
  const own = {
    ...(onNetwork && { onNetwork }),
    ...(netfilter === undefined ? {} : { netfilter }),
    ...(layer === undefined ? {} : { layer }),
    ...(denials === undefined ? {} : { denials }),
    ...(kept === undefined ? {} : { kept }),
  }
  return { options: { ...(options as SandboxOptions), ...own }, said }
}

/** Who allows single hosts has chosen a network, which is not that of the profile. */
function below(layers: readonly PolicyLayer[], profile: PolicyLayer): PolicyLayer {
  if (!layers.some(({ options }) => (options.allowHosts ?? []).length > 0)) return profile
  const { net: _, ...options } = profile.options
  return { ...profile, options }
}

/** What is there is stronger: a variable keeps its value. */
function joined(there: unknown, value: unknown): unknown {
  if (Array.isArray(value)) return [...((there as unknown[] | undefined) ?? []), ...value]
  return { ...(value as object), ...(there as object | undefined) }
}

function wordsOf(rule: string, value: unknown): string[] {
  if (rule === 'groups') return [groupsText(value)]
  if (Array.isArray(value)) return value.map(String)
  if (rule === 'timeout' || rule === 'grace') return [`${value} ms`]
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.entries(value).map(([name, text]) => (text === undefined ? `${name} taken away` : `${name}=${text}`))
}

function profileLayer(name: string, host: Host): PolicyLayer {
  if (!Object.hasOwn(profiles, name)) throw wrong('profile', noneOf(name, Object.keys(profiles)))
  const { options } = profiles[name as ProfileName]
  const expanded = expandAll(options, host)
  const rw = expanded.rw?.map((path) => (path === '.' ? withoutColon(host.cwd, 'rw') : path))
  return { options: { ...expanded, ...(rw === undefined ? {} : { rw }) }, place: () => `profile ${name}` }
}

/** `~` and `$NAME` in paths, and variables that are passed on. What is optional and has no value is left out. */
export function expandAll(options: SandboxOptions, host: Host): SandboxOptions {
  const paths = Object.fromEntries(
    (['rw', 'ro', 'hide', 'deny', 'socket', 'device'] as const).flatMap((name) => {
      const list = options[name]
      return list === undefined ? [] : [[name, list.flatMap((text) => expand(text, name, host) ?? [])]]
    }),
  )
  const env = Object.entries(options.env ?? {}).flatMap(([name, value]) => {
    const passed = value === `$${name}` ? host.env[name] : value
    return passed === undefined && value !== undefined ? [] : [[name, passed] as const]
  })
  return { ...options, ...paths, ...(options.env === undefined ? {} : { env: Object.fromEntries(env) }) }
}

/** What is put in front of, or into a path: what follows a colon in it would be taken for the place where it is shown. */
export function withoutColon(text: string, rule: string): string {
  if (!text.includes(':') || !(rule === 'rw' || rule === 'ro')) return text
  throw wrong(rule, `${text} has a colon in it, and so no path in it can be named`)
}

function expand(text: string, rule: string, { home, env }: Host): string | undefined {
  const isOptional = text.startsWith('?')
  let missing: string | undefined
  const whole = text.replace(/^(\??)~(?=\/|$)/, (_, mark: string) => {
    if (home === undefined) missing = '~'
    return mark + withoutColon(home ?? '', rule)
  })
  const path = whole.replace(/\$([A-Z_][A-Z0-9_]*)/g, (all, name: string) => {
    const value = env[name]
    if (value === undefined || value === '') missing = all
    return withoutColon(value ?? '', rule)
  })
  if (missing === undefined) return path
  if (isOptional) return undefined
  throw wrong(rule, `${text}: ${missing} has no value here`)
}
