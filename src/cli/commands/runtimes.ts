/** `usnea runtimes`: the registry of runtimes. */
import { RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'
import { given } from '../given.ts'
import { jsonOfRuntime, printImport, printRuntime, printRuntimes, printVerdicts } from '../print/runtimes.ts'
import type { Session } from '../session.ts'

interface Asked {
  readonly json: boolean
  readonly config: string | undefined
  readonly dryRun: boolean
}

type Act = (session: Session, asked: Asked, word: string) => Promise<number>

interface Part {
  readonly act: Act
  /** Fewest and most words behind its name. */
  readonly words: readonly [number, number]
}

const parts: Readonly<Record<string, Part>> = {
  list: { act: list, words: [0, 0] },
  show: { act: show, words: [1, 1] },
  check: { act: check, words: [0, 1] },
  import: { act: importFrom, words: [1, 1] },
}

export const command = defineCommand({
  name: 'runtimes',
  usage: 'list | show NAME | check [NAME] | import FILE',
  summary:
    'list, show: the runtimes that tasks may name; check: can each be used? import: take over those of docker’s daemon.json',
  flags: [
    { name: 'json', kind: 'boolean', help: 'print it as JSON' },
    { name: 'config', kind: 'text', value: 'FILE', help: "instead of the user's config.toml" },
    { name: 'dry-run', kind: 'boolean', help: 'of import: print the file as it would be, and write nothing' },
  ],
  count: [1, 2],
  isForeground: () => true,
  slow: ({ args: [verb] }) => (verb === 'list' ? undefined : 'asking the runtimes'),
  async run({ flags, args: [name = '', ...words] }, session) {
    const part = Object.hasOwn(parts, name) ? parts[name] : undefined
    if (part === undefined || words.length < part.words[0] || words.length > part.words[1]) {
      const what = `nothing to do for: runtimes ${[name, ...words].join(' ')}`
      throw new RuntimeError('usage', { what, fix: 'use runtimes list, show NAME, check [NAME] or import FILE' })
    }
    const config = flags.config === undefined ? undefined : session.path(flags.config)
    return await part.act(session, { json: flags.json, config, dryRun: flags['dry-run'] }, words[0] ?? '')
  },
})

async function open(session: Session, { config }: Pick<Asked, 'config'>) {
  const { openRegistry } = await import('../../runtimes/open.ts')
  const root = session.globals.root
  const stateRoot = root === undefined ? undefined : `${root}/@runtimes`
  return await openRegistry(await session.host(), { config: given({ file: config }), ...given({ stateRoot }) })
}

async function list(session: Session, asked: Asked): Promise<number> {
  const { survey } = await import('../../runtimes/survey.ts')
  const found = survey((await open(session, asked)).current)
  session.print(asked.json ? toJson(found.map(jsonOfRuntime)) : printRuntimes(found))
  return 0
}

async function show(session: Session, asked: Asked, name: string): Promise<number> {
  const { survey, withFeatures } = await import('../../runtimes/survey.ts')
  const { env } = await session.host()
  const found = await withFeatures(survey((await open(session, asked)).current, name), { env })
  for (const one of found) session.print(asked.json ? toJson(jsonOfRuntime(one)) : printRuntime(one))
  return 0
}

async function check(session: Session, asked: Asked, name: string): Promise<number> {
  const { survey, whyUnfit, withFeatures } = await import('../../runtimes/survey.ts')
  const { env } = await session.host()
  const registry = (await open(session, asked)).current
  const found = await withFeatures(survey(registry, name || undefined), { env, isFresh: true })
  session.print(asked.json ? toJson(found.map(jsonOfRuntime)) : printVerdicts(found))
  const unfit = found.flatMap((one) => whyUnfit(one) ?? [])
  if (unfit.length === 0) return 0
  throw new RuntimeError('runtime-unfit', {
    details: found.flatMap((one) => (whyUnfit(one) === undefined ? [] : [`${one.name}: ${whyUnfit(one)}`])),
  })
}

async function importFrom(session: Session, asked: Asked, file: string): Promise<number> {
  const { planImport } = await import('../../runtimes/import.ts')
  const { userConfigFile } = await import('../../config/config.ts')
  const { env } = await session.host()
  const to = asked.config ?? env.USNEA_CONFIG ?? (await userConfigFile())
  if (to === undefined) throw new RuntimeError('runtime-import', { why: 'we have no home', fix: 'pass --config FILE' })
  const { facts } = (await open(session, { config: undefined })).current
  const plan = planImport({ from: session.path(file), to: session.path(to), host: await session.host(), facts })
  if (asked.dryRun) {
    session.print(plan.text)
    return 0
  }
  plan.write()
  const { added, unchanged, defaultName } = plan
  session.print(asked.json ? toJson({ added, unchanged, ...given({ defaultName }) }) : printImport(plan, to))
  return 0
}

const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
