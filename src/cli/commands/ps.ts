/** `usnea ps`: the processes of a container, by the process ids of the host. */
import { RuntimeError } from '../../base/errors.ts'
import { run } from '../../base/run.ts'
import { findProgram } from '../../host/program.ts'
import { defineCommand } from '../command.ts'
import { formatFlags, readFormat } from '../print/format.ts'
import { filterProcesses } from '../print/ps.ts'

export const command = defineCommand({
  name: 'ps',
  usage: 'ID [PS-OPTION …]',
  summary: "list the processes of a container; the options are those of the host's ps (-ef)",
  flags: [...formatFlags],
  count: [1, 1],
  tail: 'after-first',
  async run({ flags, args: [id = ''], tail }, session) {
    const format = readFormat(flags)
    const { ps } = await import('../../container/ps.ts')
    const pids = await ps(await session.context(), id)
    if (format === 'json') {
      session.print(`${JSON.stringify(pids)}\n`)
      return 0
    }
    const options = tail[0] === '--' ? tail.slice(1) : tail
    session.print(filterProcesses(await hostProcesses(options.length === 0 ? ['-ef'] : options, session.io.env), pids))
    return 0
  },
})

async function hostProcesses(options: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  const program = findProgram('ps', env)
  if (program === undefined) throw new RuntimeError('ps-missing')
  const { status, stdout, stderr, errno } = await run(program, options, { env: { LC_ALL: 'C' } })
  if (status !== 0) {
    const what = `${program} ${options.join(' ')} failed${stderr === '' ? '' : `: ${stderr}`}`
    throw new RuntimeError('ps-failed', { what, ...(errno === undefined ? {} : { errno }) })
  }
  return stdout
}
