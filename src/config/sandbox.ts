/**
 * The rules of a sandbox's policy, as data: the options of the command line, the keys of files, the variables, what a
 * project's file may say, and the table of docs/policy.md come from here.
 */
import { commandRules } from './rules/command.ts'
import { limitRules } from './rules/limits.ts'
import { networkRules } from './rules/network.ts'
import { pathRules } from './rules/paths.ts'
import type { PolicyRule, Written } from './rules/rule.ts'
import type { Shape } from './shape.ts'

/** In the order of the help and of the table. */
export const policyRules = [...pathRules, ...networkRules, ...commandRules, ...limitRules] as const

export type RuleName = (typeof policyRules)[number]['name']
export type OptionName = (typeof policyRules)[number]['option']

const shapes: Readonly<Record<Written, (rule: PolicyRule) => Shape>> = {
  texts: () => ({ kind: 'list', of: { kind: 'text' } }),
  ports: () => ({ kind: 'list', of: { kind: 'integer', least: 1, most: 65_535 } }),
  names: () => ({ kind: 'either', of: [{ kind: 'text' }, { kind: 'list', of: { kind: 'text' } }] }),
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
