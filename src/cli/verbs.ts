/** Every verb, with its line in `usnea --help`. A verb's own file is loaded when it is called. */
import type { Verbs } from './command.ts'

export const verbs: Verbs = {
  sandbox: {
    summary: 'run a command in a sandbox; the same as: usnea -- CMD',
    load: async () => (await import('./commands/sandbox.ts')).command,
  },
  spec: {
    summary: 'write a config.json to start from',
    load: async () => (await import('./commands/spec.ts')).command,
  },
  create: { summary: 'make a container', load: async () => (await import('./commands/create.ts')).command },
  start: {
    summary: "start a created container's program",
    load: async () => (await import('./commands/start.ts')).command,
  },
  run: { summary: 'create and start a container', load: async () => (await import('./commands/run.ts')).command },
  exec: {
    summary: 'run one more program in a container',
    load: async () => (await import('./commands/exec.ts')).command,
  },
  kill: { summary: 'send a signal to a container', load: async () => (await import('./commands/kill.ts')).command },
  delete: { summary: 'remove a container', load: async () => (await import('./commands/delete.ts')).command },
  state: { summary: 'print the state of a container', load: async () => (await import('./commands/state.ts')).command },
  list: { summary: 'list the containers', load: async () => (await import('./commands/list.ts')).command },
  ps: { summary: 'list the processes of a container', load: async () => (await import('./commands/ps.ts')).command },
  top: {
    summary: 'show what runs, and what it uses',
    load: async () => (await import('./commands/top.ts')).command,
  },
  limits: {
    summary: 'list the limits of a container, and what enforces each',
    load: async () => (await import('./commands/limits.ts')).command,
  },
  plan: {
    summary: 'show what would be done, and do nothing',
    load: async () => (await import('./commands/plan.ts')).command,
  },
  features: {
    summary: 'print what this build can do',
    load: async () => (await import('./commands/features.ts')).command,
  },
  completion: {
    summary: 'print completions for bash, zsh or fish',
    load: async () => (await import('./commands/completion.ts')).command,
  },
  version: { summary: 'print the version', load: async () => (await import('./commands/version.ts')).command },
  help: { summary: 'explain a command', load: async () => (await import('./commands/help.ts')).command },
  doctor: {
    summary: 'prove what this machine allows, and name cause and fix of what it does not',
    load: async () => (await import('./commands/doctor.ts')).command,
  },
  runtimes: {
    summary: 'list, show, check or import the runtimes that tasks may name',
    load: async () => (await import('./commands/runtimes.ts')).command,
  },
  config: {
    summary: 'show or check the files of settings',
    load: async () => (await import('./commands/config.ts')).command,
  },
  pause: {
    summary: 'let all processes of a container stand still',
    load: async () => (await import('./commands/pause.ts')).command,
  },
  resume: {
    summary: 'let a paused container go on',
    load: async () => (await import('./commands/resume.ts')).command,
  },
  update: {
    summary: 'change limits of a container',
    load: async () => (await import('./commands/update.ts')).command,
  },
  events: {
    summary: 'print what a container uses, and when it runs out of memory',
    load: async () => (await import('./commands/events.ts')).command,
  },
  checkpoint: {
    summary: 'save a running container to files',
    load: async () => (await import('./commands/checkpoint.ts')).command,
  },
  restore: {
    summary: 'go on with a container that was saved',
    load: async () => (await import('./commands/restore.ts')).command,
  },
  try: {
    summary: 'run a command whose changes are kept beside the files until they are applied',
    load: async () => (await import('./commands/try.ts')).command,
  },
  diff: {
    summary: 'show what commands changed in a layer',
    load: async () => (await import('./commands/diff.ts')).command,
  },
  apply: {
    summary: 'bring the changes of a layer to the host',
    load: async () => (await import('./commands/apply.ts')).command,
  },
  discard: { summary: 'forget a layer', load: async () => (await import('./commands/discard.ts')).command },
  layers: {
    summary: 'list, show or remove layers',
    load: async () => (await import('./commands/layers.ts')).command,
  },
  learn: {
    summary: 'run a command, and write the smallest policy under which it works',
    load: async () => (await import('./commands/learn.ts')).command,
  },
  suggest: {
    summary: 'tell what would open what a sandbox denied',
    load: async () => (await import('./commands/suggest.ts')).command,
  },
  mounts: {
    summary: 'add or remove mounts of a running container',
    load: async () => (await import('./commands/mounts.ts')).command,
  },
  task: {
    summary: 'tasks: containers that outlive whoever made them; see usnea task --help',
    load: async () => (await import('./commands/task/index.ts')).command,
  },
  daemon: {
    summary: 'the task service, until it is ended',
    load: async () => (await import('./commands/daemon.ts')).command,
  },
  publish: {
    summary: 'hand an event to the task service; shims do',
    load: async () => (await import('./commands/publish.ts')).command,
  },
}
