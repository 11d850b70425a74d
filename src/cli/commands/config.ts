/** `usnea config`: what the files of settings say, and where. */
import { RuntimeError } from '../../base/errors.ts'
import type { Config } from '../../config/config.ts'
import { defineCommand } from '../command.ts'
import { given } from '../given.ts'
import { printSettings } from '../print/settings.ts'
import type { Session } from '../session.ts'

interface Asked {
  readonly file: string | undefined
  readonly origin: boolean
  readonly json: boolean
}

export const command = defineCommand({
  name: 'config',
  usage: 'show | check [FILE]',
  summary: 'show: the settings that hold, and who said each; check: are the files of settings valid?',
  flags: [
    { name: 'origin', kind: 'boolean', help: 'show where each value was said' },
    { name: 'json', kind: 'boolean', help: 'print it as JSON' },
    { name: 'config', kind: 'text', value: 'FILE', help: "instead of the user's file" },
  ],
  count: [1, 2],
  isForeground: () => true,
  async run({ flags, args: [what = '', file, ...more] }, session) {
    const asked: Asked = { file: file ?? flags.config, origin: flags.origin, json: flags.json }
    if (what === 'show' && file === undefined) return await show(asked, session)
    if (what === 'check' && more.length === 0) return await check(asked, session)
    throw new RuntimeError('usage', {
      what: `nothing to do for: config ${what}`,
      fix: 'use config show or config check',
    })
  },
})

async function read({ file }: Asked, session: Session): Promise<Config> {
  const { readConfig } = await import('../../config/config.ts')
  return await readConfig(await session.host(), given({ file: file === undefined ? undefined : session.path(file) }))
}

async function show(asked: Asked, session: Session): Promise<number> {
  const { settings } = await read(asked, session)
  if (asked.json) session.print(`${JSON.stringify(asked.origin ? settings.entries() : settings.values, null, 2)}\n`)
  else session.print(printSettings(settings.entries(), asked.origin))
  return 0
}

/** What the values mean is checked, too: that no runtime contradicts itself. */
async function check(asked: Asked, session: Session): Promise<number> {
  const { files, settings } = await read(asked, session)
  const { buildRegistry } = await import('../../runtimes/registry.ts')
  buildRegistry(settings, { env: {}, programs: '/usr/bin', stateRoot: '/run/usnea/@runtimes' })
  if (asked.json) session.print(`${JSON.stringify(files, null, 2)}\n`)
  else session.print(files.map(({ path, exists }) => `${exists ? 'valid  ' : 'missing'}  ${path}\n`).join(''))
  return 0
}
