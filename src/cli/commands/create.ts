/** `usnea create`: everything up to, not including, the user's program. */
import type { CreateOptions } from '../../container/create.ts'
import { defineCommand } from '../command.ts'
import type { Flag, Values } from '../flags.ts'
import { given } from '../given.ts'
import { printPlan } from '../print/plan.ts'
import type { Session } from '../session.ts'

/** What `create` and `run` share: the union of runc's and crun's options. */
export const createFlags = [
  { name: 'bundle', short: 'b', kind: 'text', value: 'DIR', help: 'directory of the bundle (the current one)' },
  { name: 'config', short: 'f', kind: 'text', value: 'FILE', help: 'another file than config.json of the bundle' },
  { name: 'console-socket', kind: 'text', value: 'PATH', help: 'unix socket that is sent the terminal' },
  { name: 'pid-file', kind: 'text', value: 'FILE', help: 'write the process id there' },
  { name: 'no-pivot', kind: 'boolean', help: 'do not use pivot_root: for a root on a ramdisk' },
  { name: 'no-new-keyring', kind: 'boolean', help: 'keep the session keyring of the caller' },
  { name: 'preserve-fds', kind: 'number', value: 'N', help: 'hand on N more descriptors, from 3 on' },
  { name: 'dry-run', kind: 'boolean', help: 'print the plan and do nothing' },
  { name: 'strict', kind: 'boolean', help: 'fail when nothing would enforce a limit' },
  { name: 'pidfd-socket', kind: 'text', value: 'PATH', help: 'unix socket that is sent a pidfd' },
  { name: 'no-subreaper', kind: 'boolean', help: 'ignored', status: 'ignored' },
] as const satisfies readonly Flag[]

export type CreateValues = Values<typeof createFlags>

export function createOptions(flags: CreateValues, id: string, session: Session): CreateOptions {
  const path = (text: string | undefined) => (text === undefined ? undefined : session.path(text))
  return {
    id,
    bundle: session.path(flags.bundle ?? '.'),
    noPivot: flags['no-pivot'],
    noNewKeyring: flags['no-new-keyring'],
    strict: flags.strict,
    ...given({
      config: path(flags.config),
      consoleSocket: path(flags['console-socket']),
      pidfdSocket: path(flags['pidfd-socket']),
      pidFile: path(flags['pid-file']),
      preserveFds: flags['preserve-fds'],
    }),
  }
}

/** `--dry-run` of both verbs; only create ends at the gate, and only a run that does not detach stays. */
export async function dryRun(
  flags: CreateValues,
  session: Session,
  as: { readonly gate: boolean; readonly detached: boolean },
): Promise<number> {
  const { explain } = await import('../../container/plan.ts')
  const { id: _id, ...options } = createOptions(flags, '', session)
  session.print(printPlan(await explain(await session.context(), { ...options, ...as })))
  return 0
}

export const command = defineCommand({
  name: 'create',
  usage: 'ID',
  summary: 'make a container from a bundle; its program waits for usnea start',
  flags: [
    ...createFlags,
    // go-runc sends it to create as well, where everything is detached.
    { name: 'detach', short: 'd', kind: 'boolean', help: 'ignored', status: 'ignored' },
  ],
  count: [1, 1],
  slow: () => 'making the container',
  async run({ flags, args: [id = ''] }, session) {
    if (flags['dry-run']) return await dryRun(flags, session, { gate: true, detached: true })
    const { create } = await import('../../container/create.ts')
    await create(await session.context(), createOptions(flags, id, session))
    return 0
  },
})
