/**
 * The policy that a project brings along: `.usnea.toml`. Whoever wrote the project wrote that file, and may be hostile. So
 * unless the user trusts just what it says, it may take away, and open no more than the project itself.
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { parseDuration, parseSize } from '../base/units.ts'
import type { PolicyRule } from '../config/rules/rule.ts'
import { policyRules } from '../config/sandbox.ts'
import type { Table } from '../config/shape.ts'
import { levels, reaches } from '../host/level.ts'
import { groupsText, groupWords, keepsMore } from './groups.ts'
import type { SandboxOptions } from './options.ts'
import { isWithin } from './policy.ts'
import { harmlessProfiles } from './profiles.ts'

/** Of what the file says, not of how it is written: a comment changes nothing. And of where links of the project lead it. */
export const fingerprint = (values: Table, leads: readonly string[] = []): string =>
  `sha256:${createHash('sha256')
    .update([JSON.stringify(values), ...leads].join('\n'))
    .digest('hex')}`

/** Paths in the project that lead out of it: another link in that place is not what was trusted. */
export function leadsOut(directory: string, values: Table): string[] {
  return policyRules.flatMap(({ name, project }) => {
    if (project !== 'inside') return []
    return [values[name] ?? []].flat().flatMap((word) => {
      const path = resolve(directory, String(word).replace(/^\?/, '').replace(/:.*$/, ''))
      const real = isWithin(path, directory) ? realOf(path) : undefined
      return real === undefined || isWithin(real, realOf(directory) ?? directory) ? [] : [`${path} ${real}`]
    })
  })
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}

export interface ProjectSays {
  readonly directory: string
  readonly values: Table
  /** What the user's own files and those of the project further out say, which this one would cover. */
  readonly below: SandboxOptions
  /** What files of the project further out show. */
  readonly outer?: Pick<SandboxOptions, 'rw' | 'ro'>
}

/** Why a value would open more than the project, for each that does. */
export function widenings({ directory, values, below, outer = {} }: ProjectSays): { rule: string; why: string }[] {
  return policyRules.flatMap((rule) => {
    const value = values[rule.name]
    if (value === undefined) return []
    const words = rule.name === 'groups' ? [groupsText(value)] : (Array.isArray(value) ? value : [value]).map(String)
    return words.flatMap((word) => {
      const why = whyItWidens(rule, word, { directory, below, outer })
      return why === undefined ? [] : [{ rule: rule.name, why: `${rule.name} ${JSON.stringify(word)}: ${why}` }]
    })
  })
}

function whyItWidens(
  rule: PolicyRule,
  word: string,
  { directory, below, outer = {} }: Omit<ProjectSays, 'values'>,
): string | undefined {
  const { name, project } = rule
  if (project === 'never') return 'a project cannot decide that'
  if (project === 'inside' && !isInside(word, directory)) return 'it lies outside of the project'
  if (name === 'rw' && isReadOnly(resolve(directory, word.replace(/^\?/, '')), outer))
    return 'a policy further out shows it read-only'
  return words[name]?.(word, below)
}

/** Of rules where the value decides. */
const words: Readonly<Record<string, (word: string, below: SandboxOptions) => string | undefined>> = {
  net: (word) => (word === 'none' ? undefined : 'a project can only say none'),
  nested: (word) => (word === 'false' ? undefined : 'a project can only say false'),
  // `NAME=$NAME` is how policies say it too: see `expandAll`.
  env: (word) => (/^([^=]+)=\$\1$|^[^=]*$/.test(word) ? "it hands on a variable of the caller's" : undefined),
  'min-level': (word, { minLevel = 'U0' }) => {
    const level = levels.find((name) => name === word.toUpperCase())
    return level !== undefined && reaches(level, minLevel) ? undefined : `it is weaker than ${minLevel}`
  },
  profile: (word, { profile }) => {
    if (!harmlessProfiles.includes(word)) return `a project can only say ${harmlessProfiles.join(' or ')}`
    return profile === undefined || profile === word ? undefined : `your own is ${profile}`
  },
  groups: (word, { groups: own }) =>
    keepsMore(groupWords(word), groupWords(own)) ? `yours keeps ${groupsText(own)}` : undefined,
  timeout: (word, { timeout = Number.POSITIVE_INFINITY }) =>
    (parseDuration(word) ?? 0) > timeout ? 'it is longer than yours' : undefined,
  // Without an end of time of yours it can only end something sooner.
  grace: (word, { grace = 0, timeout }) =>
    timeout !== undefined && (parseDuration(word) ?? 0) > grace ? 'it is longer than yours' : undefined,
  files: (word, { files }) => moreThan(Number(word), files),
  pids: (word, { pids }) => moreThan(Number(word), pids),
  cpus: (word, { cpus }) => moreThan(Number(word), cpus),
  disk: (word, { disk }) => moreThan(parseSize(word) ?? 0, disk),
  memory: (word, { memory }) => moreThan(parseSize(word) ?? 0, memory),
}

function moreThan(asked: number, own: number | string = Number.POSITIVE_INFINITY): string | undefined {
  return asked > (typeof own === 'string' ? (parseSize(own) ?? 0) : own) ? 'it is more than yours' : undefined
}

/** Of what is shown around it, the nearest decides. */
function isReadOnly(path: string, { rw = [], ro = [] }: Pick<SandboxOptions, 'rw' | 'ro'>): boolean {
  const real = realOf(path) ?? path
  const lengthIn = (list: readonly string[]) =>
    Math.max(
      0,
      ...list
        .map((text) => text.replace(/^\?/, '').replace(/:.*$/s, ''))
        .map((text) => realOf(text) ?? text)
        .filter((place) => isWithin(real, place))
        .map(({ length }) => length),
    )
  return lengthIn(ro) > lengthIn(rw)
}

/** With every link resolved: one could lead anywhere. */
function isInside(word: string, directory: string): boolean {
  const path = word.replace(/^\?/, '')
  if (/^~|\$|:/.test(path)) return false
  const [real, around] = [realOf(resolve(directory, path)), realOf(directory)]
  return real !== undefined && around !== undefined && isWithin(real, around)
}

/** Does the rule take away where its value is allowed? Such rules hold from outside of a repository as well. */
const takesAway = ({ name, project }: PolicyRule): boolean =>
  project === 'narrows' || ['net', 'nested', 'min-level'].includes(name)

/** Of a file outside of the repository only what takes away, whoever trusts it for more. */
export function narrowingOf({ directory, values, below }: ProjectSays): Table {
  const kept = policyRules.filter(
    (rule) =>
      takesAway(rule) && widenings({ directory, values: { [rule.name]: values[rule.name] }, below }).length === 0,
  )
  return Object.fromEntries(kept.flatMap(({ name }) => (values[name] === undefined ? [] : [[name, values[name]]])))
}

export function untrusted(file: string, print: string, found: readonly { why: string }[]): RuntimeError {
  return new RuntimeError('project-untrusted', {
    what: `${file} asks for more than a project may`,
    details: found.map(({ why }) => why),
    fix: `take that out, or, if you trust it, put this into [sandbox.trust] of your config.toml: ${JSON.stringify(file)} = "${print}"; --no-config passes it by`,
  })
}
