/** `usnea exec`: one more program in a running container. */
import { RuntimeError } from '../../base/errors.ts'
import type { ExecOptions } from '../../container/exec.ts'
import { defineCommand } from '../command.ts'
import type { Call, Flag } from '../flags.ts'
import { given } from '../given.ts'
import type { Session } from '../session.ts'

const execFlags = [
  { name: 'process', short: 'p', kind: 'text', value: 'FILE', help: 'read the process from this JSON file' },
  { name: 'cwd', kind: 'text', value: 'DIR', help: 'working directory in the container', bytes: true },
  { name: 'env', short: 'e', kind: 'list', value: 'NAME=VALUE', help: 'set a variable; may be repeated', bytes: true },
  { name: 'user', short: 'u', kind: 'text', value: 'UID[:GID]', help: 'user and group, as numbers' },
  { name: 'additional-gids', short: 'g', kind: 'list', value: 'GID', help: 'one more group; may be repeated' },
  { name: 'cap', short: 'c', kind: 'list', value: 'CAP', help: 'one more capability; may be repeated' },
  { name: 'tty', short: 't', kind: 'boolean', help: 'give it a terminal' },
  { name: 'console-socket', kind: 'text', value: 'PATH', help: 'unix socket that is sent the terminal' },
  { name: 'detach', short: 'd', kind: 'boolean', help: 'do not wait for its end' },
  { name: 'pid-file', kind: 'text', value: 'FILE', help: 'write the process id there' },
  { name: 'no-new-privs', kind: 'boolean', help: 'set no_new_privs' },
  { name: 'preserve-fds', kind: 'number', value: 'N', help: 'hand on N more descriptors, from 3 on' },
  { name: 'process-label', kind: 'text', value: 'LABEL', help: 'SELinux label of the process' },
  { name: 'apparmor', kind: 'text', value: 'PROFILE', help: 'AppArmor profile of the process' },
  { name: 'cgroup', kind: 'list', value: '[CONTROLLER:]PATH', help: 'a cgroup below that of the container' },
  { name: 'ignore-paused', kind: 'boolean', help: 'allow it in a paused container' },
  { name: 'pidfd-socket', kind: 'text', value: 'PATH', help: 'unix socket that is sent a pidfd' },
  { name: 'no-subreaper', kind: 'boolean', help: 'ignored', status: 'ignored' },
] as const satisfies readonly Flag[]

function execOptions({ flags, tail }: Call<typeof execFlags>, session: Session): ExecOptions {
  const path = (text: string | undefined) => (text === undefined ? undefined : session.path(text))
  return {
    ...(flags.process === undefined ? { args: [...tail] } : {}),
    env: [...flags.env],
    additionalGids: flags['additional-gids'].map(readGid),
    caps: [...flags.cap],
    cgroup: [...flags.cgroup],
    detach: flags.detach,
    tty: flags.tty,
    ignorePaused: flags['ignore-paused'],
    ...given({
      processFile: path(flags.process),
      pidFile: path(flags['pid-file']),
      consoleSocket: path(flags['console-socket']),
      pidfdSocket: path(flags['pidfd-socket']),
      cwd: flags.cwd,
      // Only to switch it on: without the option it is as the container has it.
      noNewPrivs: flags['no-new-privs'] || undefined,
      user: flags.user,
      preserveFds: flags['preserve-fds'],
      apparmor: flags.apparmor,
      processLabel: flags['process-label'],
    }),
  }
}

function readGid(text: string): number {
  const gid = Number(text)
  if (/^\d+$/.test(text) && gid < 2 ** 32 - 1) return gid
  throw new RuntimeError('usage', { what: `additional-gids must be a positive number ${text}` })
}

export const command = defineCommand({
  name: 'exec',
  usage: 'ID CMD … | --process FILE ID',
  summary: 'run one more program in a running container; the exit status is its own, or 255 when it did not start',
  flags: execFlags,
  count: [1, 1],
  tail: 'after-first',
  async run(call, session) {
    const { exec } = await import('../../container/exec.ts')
    const [id = ''] = call.args
    return await exec(await session.context(), id, execOptions(call, session))
  },
})
