/** `usnea learn`: runs a command that may read nearly all and changes nothing, and writes the smallest policy for it. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { RuntimeError } from '../../base/errors.ts'
import { replaceFile } from '../../base/files.ts'
import type { Denial } from '../../sandbox/index.ts'
import { defineCommand } from '../command.ts'
import { sandboxFlags } from '../flags.ts'
import { printLearnt } from '../print/learnt.ts'
import { readPolicy } from '../sandbox-policy.ts'
import type { Session } from '../session.ts'

const notHere = new Set(['net-log', 'log-denials', 'no-config', 'explain', 'json', 'profile'])

export const command = defineCommand({
  name: 'learn',
  usage: '[--] CMD …',
  summary: 'run a command in a layer that is thrown away, and write the smallest policy under which it works',
  examples: [
    'usnea learn -- make                                # the policy on standard output',
    'usnea learn --output .usnea.toml -- npm test       # in a file',
    'usnea learn --output .usnea.toml --merge -- npm run build   # what another run needs besides',
    "usnea learn --allow-host '*' -- npm ci             # with the hosts that it asks for, by name",
  ],
  flags: [
    { name: 'output', short: 'o', kind: 'text', value: 'FILE', help: 'write the policy there', empty: 'kept' },
    { name: 'merge', kind: 'boolean', help: 'add to what the file says' },
    ...sandboxFlags.filter(({ name }) => !notHere.has(name)),
  ],
  count: [1, Number.POSITIVE_INFINITY],
  tail: 'command',
  isForeground: () => true,
  async run({ flags, tail }, session) {
    const output = flags.output === undefined ? undefined : session.path(flags.output)
    const before = readBefore(output, flags.merge)
    const { options: named } = await readPolicy({ ...noFlags, ...flags, 'no-config': true }, session)
    const host = await session.host()
    const { learn, learningOptions } = await import('../../sandbox/denials/learn.ts')
    const { tryForeground } = await import('../../sandbox/foreground.ts')
    const { discardLayer } = await import('../../sandbox/layers/index.ts')
    const [uses, denials]: [Denial[], Denial[]] = [[], []]
    const options = { ...learningOptions(named, host), denials: (denial: Denial) => void denials.push(denial) }
    const note = (message: string) => session.note(message)
    const onUse = (use: Denial) => void uses.push(use)
    let discard = () => {}
    const copying = session.progress('getting a layer ready')
    try {
      const tried = await tryForeground(options, [...tail], {
        host,
        note,
        onUse,
        onLayer: (layer) => {
          copying.end()
          discard = () => discardLayer(layer)
        },
      })
      if (tried.status !== 0)
        note(`the command failed with status ${tried.status}: what it needs to work may be missing here`)
      session.progress('writing the policy')
      const found = learn({ uses, denials }, named, host)
      const directory = output === undefined ? host.cwd : dirname(output)
      const { text, notes } = printLearnt(found, { argv: tail, before, directory, home: host.home })
      for (const line of notes) note(line)
      if (output === undefined) session.print(text)
      else {
        replaceFile(output, text)
        await tellTrust(output, text, session)
      }
      return tried.status
    } finally {
      discard()
    }
  },
})

/** Flags that do not belong here, as if they were not given. */
const noFlags = {
  profile: undefined,
  explain: false,
  json: false,
  'net-log': undefined,
  'log-denials': undefined,
} as const

function readBefore(output: string | undefined, merge: boolean): string {
  if (merge && output === undefined) throw new RuntimeError('usage', { what: '--merge needs --output FILE' })
  if (output === undefined || !existsSync(output)) return ''
  if (!merge) throw new RuntimeError('usage', { what: `${output} exists`, fix: '--merge adds to it' })
  return readFileSync(output, 'utf8')
}

/** A project's file may not say everything unless its user trusts it. */
async function tellTrust(output: string, text: string, session: Session): Promise<void> {
  const { fingerprint, leadsOut, untrusted, widenings } = await import('../../sandbox/project.ts')
  const { PROJECT_FILE } = await import('../../sandbox/project-files.ts')
  if (basename(output) !== PROJECT_FILE) return
  const { readToml } = await import('../../config/toml.ts')
  const { values } = readToml(text, output)
  const directory = dirname(output)
  const found = widenings({ directory, values, below: {} })
  const print = fingerprint(values, leadsOut(directory, values))
  if (found.length > 0) session.note(untrusted(output, print, found).message)
}
