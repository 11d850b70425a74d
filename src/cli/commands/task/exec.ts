/** `usnea task exec`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RuntimeError } from '../../../base/errors.ts'
import { defineCommand } from '../../command.ts'
import { stay } from '../../task-foreground.ts'
import { openTasks, patiently, targetOf, taskFlags, withTasks } from '../../tasks-session.ts'

export const command = defineCommand({
  name: 'task exec',
  usage: 'ID COMMAND …',
  summary: 'run one more program in a task, as its own but for what is given here',
  flags: [
    ...taskFlags,
    { name: 'exec-id', kind: 'text', value: 'NAME', help: 'the name of the new process' },
    { name: 'detach', short: 'd', kind: 'boolean', help: 'do not wait for the end' },
    { name: 'tty', short: 't', kind: 'boolean', help: 'give it a terminal' },
    { name: 'env', short: 'e', kind: 'list', value: 'NAME=VALUE', help: 'set a variable; may be repeated' },
    { name: 'cwd', kind: 'text', value: 'DIR', help: 'working directory in the container' },
    { name: 'user', short: 'u', kind: 'text', value: 'UID[:GID]', help: 'user and group, as numbers' },
  ],
  count: [1, 1],
  tail: 'after-first',
  isForeground: () => true,
  async run({ flags, args: [id = ''], tail }, session) {
    if (tail.length === 0) throw new RuntimeError('usage', { what: 'a command is missing behind the id of the task' })
    const execId = flags['exec-id'] ?? `e${Math.random().toString(36).slice(2)}`
    const target = { ...targetOf(flags, id), execId }
    {
      await using connection = await openTasks(flags.service, session)
      const { tasks } = connection
      const { bundle } = await tasks.state(target)
      const process = processOf(bundle, { ...flags, args: tail })
      const kind = flags.detach && !flags.tty ? ('null' as const) : ('fifo' as const)
      const { io } = await tasks.exec({ ...target, process, io: { kind, terminal: flags.tty, stdin: kind === 'fifo' } })
      const { attach } = await import('../../../tasks/attach.ts')
      const attachment = flags.detach ? undefined : attach(io)
      try {
        await tasks.start(target)
      } catch (error) {
        attachment?.close()
        await tasks.delete(target).catch(() => {})
        throw error
      }
      if (attachment === undefined) return 0
      await stay({ tasks, target, attachment, terminal: flags.tty })
    }
    const { exitStatus } = await patiently(flags, session, (tasks) => tasks.wait(target))
    await withTasks(flags, session, (tasks) => tasks.delete(target))
    return exitStatus
  },
})

interface Wish {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string | undefined
  readonly user: string | undefined
  readonly tty: boolean
}

/** The process of the container, changed: so that an exec has no more rights than the first one. */
function processOf(bundle: string, { args, env, cwd, user, tty }: Wish): object {
  const { process } = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as {
    process: Record<string, unknown>
  }
  const given = Array.isArray(process.env) ? process.env : []
  return {
    ...process,
    args,
    terminal: tty,
    env: [...given, ...env],
    ...(cwd !== undefined && { cwd }),
    ...(user !== undefined && { user: userOf(user) }),
  }
}

function userOf(text: string): object {
  const found = /^(\d+)(?::(\d+))?$/.exec(text)
  if (found === null)
    throw new RuntimeError('usage', { what: `invalid value "${text}" for --user`, fix: 'such as 1000:1000' })
  return { uid: Number(found[1]), gid: Number(found[2] ?? 0) }
}
