/** `usnea suggest`: what would open what was denied, as a diff of the policy. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'
import { printSuggestion, printSuggestionJson } from '../print/suggestion.ts'

export const command = defineCommand({
  name: 'suggest',
  usage: 'LOG',
  summary: 'tell what would open what a sandbox denied, as a diff of .usnea.toml',
  examples: [
    'usnea --rw . --log-denials denials.jsonl -- npm test',
    'usnea suggest denials.jsonl            # what would open it; secrets and what runs later are left out, and named',
    'usnea suggest denials.jsonl | patch    # take it',
    'usnea suggest --flags denials.jsonl    # the same as options of the command line',
  ],
  flags: [
    { name: 'flags', kind: 'boolean', help: 'as options of the command line' },
    { name: 'json', kind: 'boolean', help: 'print what was found as JSON' },
    { name: 'dangerous', kind: 'boolean', help: 'with what opens secrets, or what others run' },
  ],
  count: [1, 1],
  slow: () => 'reading the log',
  async run({ flags, args }, session) {
    const [path = ''] = args
    const { readLog, suggest } = await import('../../sandbox/denials/suggest.ts')
    const { PROJECT_FILE, findProjectFile } = await import('../../sandbox/project-files.ts')
    const host = await session.host()
    const file = findProjectFile(host) ?? join(host.cwd, PROJECT_FILE)
    const found = suggest(readLog(readText(session.path(path))), host.home)
    if (flags.json) {
      session.print(printSuggestionJson(found))
      return 0
    }
    const before = readIfThere(file)
    session.print(printSuggestion(found, { file, before, home: host.home, ...flags }))
    return 0
  },
})

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const errno = errnoOf(error)
    throw new RuntimeError('denial-log', { details: [path], ...(errno === undefined ? {} : { errno }) })
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ''
    throw error
  }
}
