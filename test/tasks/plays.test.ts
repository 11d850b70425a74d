// Needs root or user namespaces, a static busybox; containerd's shim and runc to compare with (as root: its socket lies below
// /run/containerd).
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { after, test } from 'node:test'
import { attach } from '../../src/tasks/attach.ts'
import type { Tasks, TasksClient } from '../../src/tasks/index.ts'
import { whyNot } from '../fixtures/as.ts'
import { needs } from '../fixtures/needs.ts'
import {
  eventsOf,
  logOf,
  namespace,
  openTaskWorld,
  refusal,
  type ShimChoice,
  type TaskWorld,
} from '../fixtures/tasks.ts'
import { until } from '../fixtures/until.ts'

interface Hands {
  readonly service: TaskWorld
  readonly shim: ShimChoice
  readonly tasks: TasksClient
  readonly id: string
  readonly target: { readonly namespace: string; readonly id: string }
}

type Play = (hands: Hands) => Promise<unknown>

const forever = ['sh', '-c', 'trap "exit 9" TERM; while :; do sleep 0.05; done']

/** One stream of text out of a process, which it writes until it ends. */
function collect() {
  const stream = new PassThrough()
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { stream, text: () => Buffer.concat(chunks).toString() }
}

async function talk(
  tasks: Tasks,
  target: Hands['target'] & { execId?: string },
  io: Parameters<typeof attach>[0],
  input: string,
) {
  const [stdin, stdout, stderr] = [new PassThrough(), collect(), collect()]
  const attachment = attach(io)
  await tasks.start(target)
  const copied = attachment.begin(
    { stdin, stdout: stdout.stream, stderr: stderr.stream },
    () => void tasks.closeInput(target).catch(() => {}),
  )
  stdin.end(input)
  const { exitStatus } = await tasks.wait(target)
  await copied
  attachment.close()
  return { exitStatus, stdout: stdout.text(), stderr: stderr.text() }
}

const plays: Readonly<Record<string, { play: Play; expected: unknown }>> = {
  'a task lives: create, start, ps, wait, delete': {
    async play({ service, shim, tasks, id, target }) {
      const seen: unknown[] = []
      const made = await tasks.create(service.wish(shim, { id, args: ['sh', '-c', 'echo out; echo err >&2; exit 3'] }))
      seen.push(made.status, made.pid > 1, made.shimPid > 1)
      const { pid } = await tasks.start(target)
      seen.push(pid === made.pid, (await tasks.wait(target)).exitStatus)
      const { status, exit } = await tasks.state(target)
      seen.push(status, exit?.exitStatus)
      // containerd's shim may still be copying when it tells the exit.
      await until(
        'its output is in the log',
        () => /err/.test(logOf(service.directory, id)) && /out/.test(logOf(service.directory, id)),
      )
      seen.push(logOf(service.directory, id).split('\n').sort())
      seen.push((await tasks.delete(target)).exitStatus, await refusal(tasks.state(target)))
      seen.push((await tasks.wait(target)).exitStatus, await eventsOf(tasks, id), logOf(service.directory, id))
      return seen
    },
    expected: [
      ...['created', true, true, true, 3, 'stopped', 3],
      ['', 'err', 'out'],
      ...[3, 'task-missing', 3, ['create', 'start', 'exit 3', 'delete 3'], ''],
    ],
  },
  'input and output through fifos': {
    async play({ service, shim, tasks, id, target }) {
      const args = ['sh', '-c', 'cat; echo err >&2; exit 4']
      const { io } = await tasks.create(service.wish(shim, { id, args, io: { kind: 'fifo', stdin: true } }))
      const said = await talk(tasks, target, io, 'typed\n')
      await tasks.delete(target)
      return said
    },
    expected: { exitStatus: 4, stdout: 'typed\n', stderr: 'err\n' },
  },
  'what is written before anybody attaches is not lost': {
    async play({ service, shim, tasks, id, target }) {
      const args = ['sh', '-c', 'echo early; read line; echo "got $line"']
      const { io } = await tasks.create(service.wish(shim, { id, args, io: { kind: 'fifo', stdin: true } }))
      await tasks.start(target)
      await new Promise((resolve) => setTimeout(resolve, 50))
      const [stdin, stdout] = [new PassThrough(), collect()]
      const attachment = attach(io)
      const copied = attachment.begin({ stdin, stdout: stdout.stream, stderr: collect().stream }, () => {})
      stdin.write('late\n')
      await copied
      attachment.close()
      const { exitStatus } = await tasks.wait(target)
      await tasks.delete(target)
      return [exitStatus, stdout.text()]
    },
    expected: [0, 'early\ngot late\n'],
  },
  'a terminal': {
    async play({ service, shim, tasks, id, target }) {
      const args = ['sh', '-c', 'tty; stty size; read line; echo "got $line"; exit 5']
      const { io } = await tasks.create(
        service.wish(shim, { id, args, io: { kind: 'fifo', stdin: true, terminal: true } }),
      )
      await tasks.resize({ ...target, width: 91, height: 33 })
      const [stdin, stdout] = [new PassThrough(), collect()]
      const attachment = attach(io)
      await tasks.start(target)
      const copied = attachment.begin({ stdin, stdout: stdout.stream, stderr: collect().stream }, () => {})
      await until('the terminal has a size', () => /\d+ \d+\r\n/.test(stdout.text()))
      stdin.write('line\n')
      const { exitStatus } = await tasks.wait(target)
      await copied
      attachment.close()
      await tasks.delete(target)
      return [exitStatus, stdout.text().replaceAll('\r', '')]
    },
    expected: [5, '/dev/pts/0\n33 91\nline\ngot line\n'],
  },
  'exec: streams, a second one, a program that is not there': {
    async play({ service, shim, tasks, id, target }) {
      const seen: unknown[] = []
      await tasks.create(service.wish(shim, { id, args: forever, io: { kind: 'null' } }))
      await tasks.start(target)
      const process = {
        args: ['sh', '-c', 'cat; echo err >&2; exit 6'],
        cwd: '/',
        user: { uid: 0, gid: 0 },
        env: ['PATH=/bin'],
      }
      const { io } = await tasks.exec({ ...target, execId: 'one', process, io: { kind: 'fifo', stdin: true } })
      seen.push(await refusal(tasks.exec({ ...target, execId: 'one', process, io: { kind: 'null' } })))
      seen.push(await talk(tasks, { ...target, execId: 'one' }, io, 'in\n'))
      seen.push((await tasks.delete({ ...target, execId: 'one' })).exitStatus)
      const missing = { ...process, args: ['no-such-program'] }
      await tasks.exec({ ...target, execId: 'two', process: missing, io: { kind: 'null' } })
      seen.push((await refusal(tasks.start({ ...target, execId: 'two' }))) !== 'done')
      await tasks.kill({ ...target, signal: 15 })
      seen.push((await tasks.wait(target)).exitStatus)
      await tasks.delete(target)
      seen.push((await eventsOf(tasks, id)).filter((event) => !event.includes('two')))
      return seen
    },
    expected: [
      'task-exists',
      { exitStatus: 6, stdout: 'in\n', stderr: 'err\n' },
      ...[6, true, 9],
      ['create', 'start', 'exec-added one', 'exec-started one', 'exit one 6', 'exit 9', 'delete 9'],
    ],
  },
  'pause and resume, kill, and a forced delete': {
    async play({ service, shim, tasks, id, target }) {
      const seen: unknown[] = []
      await tasks.create(service.wish(shim, { id, args: forever, io: { kind: 'null' } }))
      seen.push(await refusal(tasks.pause(target)), await refusal(tasks.resume(target)))
      await tasks.start(target)
      seen.push(
        (await tasks.pids(target)).length >= 1,
        await refusal(tasks.start(target)),
        await refusal(tasks.delete(target)),
      )
      const paused = await refusal(tasks.pause(target))
      if (paused === 'done') {
        seen.push((await tasks.state(target)).status, await refusal(tasks.pause(target)))
        await tasks.resume(target)
      } else seen.push('paused', 'task-state') // no freezer for this user
      seen.push((await tasks.state(target)).status, (await tasks.delete({ ...target, force: true })).exitStatus)
      seen.push((await eventsOf(tasks, id)).filter((event) => !/paused|resumed/.test(event)))
      return seen
    },
    expected: [
      ...['task-state', 'task-state', true, 'task-state', 'task-state', 'paused', 'task-state', 'running', 137],
      ['create', 'start', 'exit 137', 'delete 137'],
    ],
  },
  'one that was never started is deleted': {
    async play({ service, shim, tasks, id, target }) {
      await tasks.create(service.wish(shim, { id, args: forever, io: { kind: 'null' } }))
      const wish = service.wish(shim, { id, args: forever, io: { kind: 'null' } })
      const again = await refusal(tasks.create(wish))
      await tasks.delete({ ...target, force: true })
      return [again, (await eventsOf(tasks, id)).at(0), (await eventsOf(tasks, id)).at(-1)]
    },
    expected: ['task-exists', 'create', 'delete 137'],
  },
  'what cannot be made leaves nothing': {
    async play({ service, shim, tasks, id, target }) {
      const patch = (config: { root: { path: string } }) => {
        config.root.path = '/nowhere'
      }
      const made = await refusal(tasks.create(service.wish(shim, { id, args: forever, patch })))
      return [
        made,
        await refusal(tasks.state(target)),
        (await tasks.list({ namespace })).some((task) => task.id === id),
      ]
    },
    expected: ['shim-failed', 'task-missing', false],
  },
}

for (const identity of ['root', 'ranges'] as const) {
  const skip = needs('busybox') ?? whyNot(identity)
  const service = skip === undefined ? await openTaskWorld(identity) : undefined
  await service?.start()
  const tasks = await service?.client()
  after(() => service?.[Symbol.asyncDispose]())
  // What a user's service does differently is in these.
  const own = [
    'a task lives: create, start, ps, wait, delete',
    'a terminal',
    'pause and resume, kill, and a forced delete',
  ]
  for (const [title, { play, expected }] of Object.entries(plays).filter(
    ([title]) => identity === 'root' || own.includes(title),
  ))
    for (const name of identity === 'root' ? ['usnea', 'runc'] : ['usnea'])
      test(`${identity}, the shim of ${name}: ${title}`, { skip: skip ?? why(service, name) }, async () => {
        const shim = service?.shims.find((one) => one.name === name)
        assert.ok(service && tasks && shim)
        const id = service.world.newId()
        assert.deepEqual(await play({ service, shim, tasks, id, target: { namespace, id } }), expected)
        assert.deepEqual(await tasks.info({}).then(({ problems }) => problems), [])
      })
}

function why(service: TaskWorld | undefined, name: string): string | undefined {
  return service?.shims.some((shim) => shim.name === name) ? undefined : 'needs containerd-shim-runc-v2 and runc'
}
