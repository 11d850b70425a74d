/** `usnea spec`: writes a config.json to start from. */
import { writeFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { renderTemplate } from '../../spec/template.ts'
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  name: 'spec',
  usage: '',
  summary: 'write a config.json to start from',
  flags: [
    { name: 'bundle', short: 'b', kind: 'text', value: 'DIR', help: 'directory of the bundle (the current one)' },
    { name: 'file', short: 'f', kind: 'text', value: 'FILE', help: 'another name than config.json' },
    { name: 'rootless', kind: 'boolean', help: 'for a user without privileges' },
  ],
  count: [0, 0],
  async run({ flags }, session) {
    const { uid, gid, cgroup } = await session.host()
    const cgroupNamespace = cgroup.layout === 'v2'
    const path = resolve(session.path(flags.bundle ?? '.'), flags.file ?? 'config.json')
    writeNew(path, renderTemplate({ rootless: flags.rootless, uid, gid, cgroupNamespace }))
    return 0
  },
})

/** Never over an existing file, not even one that appears in the meantime. */
function writeNew(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o666 })
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EEXIST') {
      throw new RuntimeError('config-exists', { what: `File ${basename(path)} exists. Remove it first`, cause: error })
    }
    throw new RuntimeError('bundle-missing', {
      what: `cannot write ${path}`,
      ...(errno ? { errno } : {}),
      cause: error,
    })
  }
}
