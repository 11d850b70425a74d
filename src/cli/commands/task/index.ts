/** `usnea task`: the commands of tasks. */
import { RuntimeError } from '../../../base/errors.ts'
import { defineCommand, type Verb } from '../../command.ts'

const parts: Readonly<Record<string, Verb>> = {
  create: { summary: 'make a task', load: async () => (await import('./create.ts')).command },
  start: { summary: 'start what was created', load: async () => (await import('./start.ts')).command },
  run: {
    summary: 'create and start a task; unless detached, the exit status is that of its program',
    load: async () => (await import('./run.ts')).command,
  },
  exec: { summary: 'run one more program in a task', load: async () => (await import('./exec.ts')).command },
  attach: { summary: 'take its input and output', load: async () => (await import('./attach.ts')).command },
  list: { summary: 'list the tasks', load: async () => (await import('./list.ts')).command },
  state: { summary: 'print all that is known of a task', load: async () => (await import('./state.ts')).command },
  ps: { summary: 'list its processes', load: async () => (await import('./ps.ts')).command },
  wait: {
    summary: 'wait for its end, and print its exit status',
    load: async () => (await import('./wait.ts')).command,
  },
  kill: { summary: 'send a signal (TERM) to it', load: async () => (await import('./kill.ts')).command },
  pause: { summary: 'let it stand still', load: async () => (await import('./pause.ts')).command },
  resume: { summary: 'let it go on', load: async () => (await import('./resume.ts')).command },
  update: { summary: 'change its limits', load: async () => (await import('./update.ts')).command },
  checkpoint: { summary: 'save it to files', load: async () => (await import('./checkpoint.ts')).command },
  delete: { summary: 'remove tasks that have ended', load: async () => (await import('./delete.ts')).command },
  events: {
    summary: 'print what happened, from any point on',
    load: async () => (await import('./events.ts')).command,
  },
  stats: { summary: 'print what it uses', load: async () => (await import('./stats.ts')).command },
  logs: { summary: 'print its output', load: async () => (await import('./logs.ts')).command },
}

export const command = defineCommand({
  name: 'task',
  usage: 'COMMAND …',
  summary: 'containers that a shim holds, and that outlive whoever made them',
  flags: [],
  count: [0, 0],
  parts,
  async run() {
    throw new RuntimeError('usage', { what: 'a command is missing behind task', fix: 'see usnea task --help' })
  },
})
