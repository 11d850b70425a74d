/** `usnea try`: a command in a sandbox whose changes can be looked at before they are real. */
import { RuntimeError } from '../../base/errors.ts'
import { type Backend, backendNames, isBackend } from '../../sandbox/backends.ts'
import type { Layer } from '../../sandbox/layers/index.ts'
import { defineCommand } from '../command.ts'
import { explained } from '../explained.ts'
import { sandboxFlags } from '../flags.ts'
import { given } from '../given.ts'
import { openLogs } from '../logs.ts'
import { summarize } from '../print/changes.ts'
import { readPolicy } from '../sandbox-policy.ts'
import type { Session } from '../session.ts'

export const command = defineCommand({
  name: 'try',
  usage: '[--] CMD …',
  summary: 'run a command that may change files without changing them: see usnea diff, apply and discard',
  examples: [
    'usnea try -- npm install          # in the current directory; nothing on the host changes',
    'usnea diff                        # what it would change',
    'usnea apply src package.json      # these, or without paths everything',
    'usnea discard                     # nothing of it',
    'usnea try --layer exp -- make     # a layer that lives on: more commands may run in it',
  ],
  flags: [
    { name: 'dir', kind: 'list', value: 'DIR', help: 'a directory that is tried (the current one)' },
    { name: 'all', kind: 'boolean', help: 'try everything that you could change' },
    { name: 'layer', kind: 'text', value: 'NAME', help: 'the layer to run in; it is made when missing', empty: 'kept' },
    {
      name: 'backend',
      kind: 'text',
      value: 'WAY',
      help: 'auto, overlay, fuse-overlayfs or copy (auto)',
      empty: 'kept',
    },
    ...sandboxFlags,
  ],
  count: [1, Number.POSITIVE_INFINITY],
  tail: 'command',
  isForeground: () => true,
  async run({ flags, tail }, session) {
    const layer = {
      dirs: flags.dir.map((path) => session.path(path)),
      all: flags.all,
      ...given({ name: flags.layer, backend: readBackend(flags.backend) }),
    }
    const merged = await readPolicy(flags, session)
    if (await explained(flags, merged, session)) return 0
    const { tryForeground } = await import('../../sandbox/foreground.ts')
    const { options: policy } = merged
    using log = await openLogs(flags, policy, session)
    const options = { ...policy, ...log?.options(policy), layer }
    const host = await session.host()
    const progress = session.progress('getting the layer ready')
    const tried = await tryForeground(options, [...tail], {
      host,
      note: (message) => session.note(message),
      onLayer({ record: { because, backend } }) {
        progress.end()
        for (const [index, reason] of because.entries())
          session.note(index < because.length - 1 ? reason : `${reason}; ${instead[backend]}`)
      },
    })
    await tell(tried.layer, session)
    return tried.status
  },
})

const instead: Readonly<Record<Backend, string>> = {
  overlay: 'they are an overlay',
  'fuse-overlayfs': 'fuse-overlayfs serves the directories',
  copy: 'the directories are copied (copy)',
}

async function tell(layer: Layer, session: Session): Promise<void> {
  const { diffLayer } = await import('../../sandbox/layers/index.ts')
  session.progress('comparing')
  for (const line of summarize(layer.record, diffLayer(layer))) session.note(line)
}

function readBackend(text: string | undefined): Backend | undefined {
  if (text === undefined || text === 'auto') return undefined
  if (isBackend(text)) return text
  const known = ['auto', ...backendNames].join(', ')
  throw new RuntimeError('usage', { what: `invalid value "${text}" for --backend: one of ${known}` })
}
