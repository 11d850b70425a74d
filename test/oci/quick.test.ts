// Needs a static busybox; every call says and does the same with native/quick and without it.
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { reachableNode } from '../fixtures/install.ts'
import { leftCgroups } from '../fixtures/leaks.ts'
import { until } from '../fixtures/until.ts'
import { succeeded, type World } from '../fixtures/world.ts'

/** Who is to answer where native/quick may: itself, or Node after all. */
type By = 'quick' | 'node'
/** `@` stands for the id. */
type Step = readonly [by: By, call: string] | ((place: Place) => Promise<void> | void)

interface Place {
  readonly world: World
  readonly id: string
  readonly directory: string
}

interface Life {
  readonly patch?: (config: Config) => void
  readonly prepare?: (rootfs: string) => void
  readonly rootOnly?: true
  readonly steps: readonly Step[]
}

const stateFile = ({ directory }: Place) => join(directory, 'state.json')
const edit = (change: (text: string) => string) => (place: Place) =>
  writeFileSync(stateFile(place), change(readFileSync(stateFile(place), 'utf8')))

const statusOf = async ({ world, id }: Place) =>
  JSON.parse(succeeded(await world.usnea(['state', id]))).status as string
const ended = (place: Place) => until('it has ended', async () => (await statusOf(place)) === 'stopped')

const hook = { path: '/bin/true' }

const lives: Readonly<Record<string, Life>> = {
  'that goes all the way': {
    patch: (config) => {
      config.annotations = { 'org.example.“note”': 'ä\n"', z: '' }
    },
    steps: [
      ['quick', 'state @'],
      ['node', 'resume @'],
      ['quick', 'start @'],
      ['node', 'start @'],
      ['quick', 'state @'],
      ['node', 'delete @'],
      ['quick', 'kill @ 0'],
      ['quick', 'kill @ SIGWINCH'],
      ['node', 'kill @ sigwinch'],
      ['node', 'kill @ NONSENSE'],
      ['node', 'kill --all @ CONT'],
      ['node', 'state --format json @'],
      ['node', '--log-level debug state @'],
      ['node', 'kill @ 9 9'],
      ['quick', 'kill @ KILL'],
      ended,
      ['quick', 'state @'],
      ['node', 'kill @ TERM'],
      ['quick', 'kill --all @ TERM'],
      ['node', 'start @'],
      ['node', 'pause @'],
      ['quick', 'delete @'],
      ['node', 'state @'],
      ['node', 'delete @'],
      ['quick', 'delete --force @'],
    ],
  },
  'that is deleted before its start': { rootOnly: true, steps: [['quick', 'delete @']] },
  'that is deleted while it runs': {
    steps: [
      ['quick', 'start @'],
      ['quick', '--cgroup-manager=cgroupfs --rootless auto --systemd-cgroup delete -f @'],
    ],
  },
  'whose program cannot be started': {
    patch: (config) => {
      config.process.args = ['/tmp/bad']
    },
    prepare: (rootfs) => {
      writeFileSync(join(rootfs, 'tmp/bad'), 'no program')
      chmodSync(join(rootfs, 'tmp/bad'), 0o755)
    },
    steps: [['node', 'start @'], ['node', 'state no/id'], ended, ['quick', 'delete @']],
  },
  'without a pid namespace': {
    patch: ({ linux }) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'pid')
    },
    rootOnly: true, // others may not mount a proc then
    steps: [['quick', 'start @'], ['quick', 'kill @ 0'], ['node', 'kill @ KILL'], ended, ['node', 'delete @']],
  },
  'with hooks to come': {
    rootOnly: true,
    patch: (config) => {
      config.hooks = { poststart: [hook], poststop: [hook] }
    },
    steps: [['node', 'start @'], ['quick', 'kill @ 9'], ended, ['node', 'delete @']],
  },
  'whose state is damaged': {
    rootOnly: true,
    steps: [
      edit((text) => `{${text}`),
      ['node', 'state @'],
      ['node', 'kill @ TERM'],
      ['node', 'delete @'],
      edit((text) => text.slice(1)),
      ['node', 'delete --force @'],
    ],
  },
  'whose state was written again': {
    steps: [edit((text) => text), ['node', 'state @'], ['node', 'delete --force @']],
  },
  'whose pid is that of another process': {
    rootOnly: true,
    steps: [
      ['quick', 'start @'],
      ['quick', 'kill @ KILL'],
      ended,
      edit((text) => text.replace(/"pid":\d+/, `"pid":${process.pid}`)),
      ['node', 'kill @ KILL'],
      ['node', 'delete @'],
    ],
  },
  'whose shortcut was cut off': {
    rootOnly: true,
    steps: [
      ({ directory }) => {
        const file = join(directory, 'shortcut')
        writeFileSync(file, readFileSync(file).subarray(0, -5))
      },
      ['node', 'state @'],
      ['node', 'start @'],
      ['node', 'delete --force @'],
    ],
  },
  'whose cgroup was made anew by somebody': {
    rootOnly: true,
    steps: [
      ['quick', 'start @'],
      ['quick', 'kill @ KILL'],
      ended,
      ({ id }) => {
        for (const directory of leftCgroups([id])) {
          rmdirSync(directory)
          mkdirSync(directory)
        }
      },
      ['node', 'delete @'],
      ({ id }) => {
        assert.ok(leftCgroups([id]).length > 0, 'what somebody else has made was removed')
        for (const directory of leftCgroups([id])) rmdirSync(directory)
      },
    ],
  },
  'that can be paused': {
    rootOnly: true,
    steps: [
      ['quick', 'start @'],
      ['quick', 'pause @'],
      ['node', 'pause @'],
      ['quick', 'state @'],
      ['quick', 'kill @ TERM'],
      ['quick', 'resume @'],
      ['quick', 'state @'],
      ['quick', 'pause @'],
      ['node', 'kill @ KILL'],
      ended,
      ['quick', 'delete @'],
    ],
  },
  'in a directory of somebody else': {
    rootOnly: true,
    steps: [
      ({ directory }) => chownSync(directory, 12_345, 0),
      ['node', 'state @'],
      ['node', 'kill @ KILL'],
      ['node', 'start @'],
      ['node', 'delete --force @'],
      ({ directory }) => chownSync(directory, 0, 0),
      ({ directory }) => chownSync(join(directory, 'shortcut'), 12_345, 0),
      ['node', 'state @'],
      ['node', 'delete --force @'],
    ],
  },
  'behind a link': {
    steps: [
      ({ directory, world, id }) => {
        renameSync(directory, join(world.identity.home, id))
        symlinkSync(join(world.identity.home, id), directory)
      },
      ['node', 'state @'],
      ['node', 'kill @ KILL'],
      ['node', 'delete --force @'],
      ({ directory, world, id }) => {
        rmSync(directory)
        renameSync(join(world.identity.home, id), directory)
      },
      ['quick', 'delete @'],
    ],
  },
  'under the name of another one': {
    rootOnly: true,
    steps: [
      ({ directory }) => renameSync(directory, `${directory}x`),
      ['node', 'state @x'],
      ['node', 'delete @x'],
      ({ directory }) => renameSync(`${directory}x`, directory),
      ['quick', 'delete @'],
    ],
  },
}

/** What the two ways may differ in. */
function plain(text: string, id: string): string {
  return text
    .replaceAll(id, '@')
    .replace(/"pid": [1-9]\d*/g, '"pid": N')
    .replace(/process \d+/g, 'process N')
    .replace(/\bbundle-\d+/g, 'bundle')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'THEN')
}

function onDisk({ world }: Place): string[] {
  return existsSync(world.state) ? readdirSync(world.state, { recursive: true, encoding: 'utf8' }).sort() : []
}

interface Way {
  readonly by: By
  /** Stands in for Node, and leaves a note. */
  readonly node: string
  readonly told: string
}

/** One line a step: what was said, and what is there afterwards. */
async function live(world: World, { patch, prepare, steps }: Life, { by, node, told }: Way): Promise<string[]> {
  const [id, log] = [world.newId(), join(world.identity.home, `${by}.log`)]
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'trap "" TERM WINCH; while :; do sleep 1000; done']
    patch?.(config)
  })
  const place = { world, id, directory: join(world.state, id) }
  prepare?.(bundle.rootfs)
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  const lines: string[] = []
  for (const step of steps) {
    if (typeof step === 'function') {
      await step(place)
      continue
    }
    const [wanted, call] = step
    for (const file of [log, told]) rmSync(file, { force: true })
    const words = ['--log', log, '--log-format', 'json', ...call.replaceAll('@', id).split(' ')]
    const { status, stdout, stderr } = await world.usnea(words, {
      env: { USNEA_NODE: node, USNEA_QUICK: by === 'node' ? '0' : undefined },
    })
    if (by === 'quick') assert.equal(existsSync(told) ? 'node' : 'quick', wanted, `${call}: ${stderr}`)
    const files = onDisk(place).map((name) => name.replaceAll(id, '@'))
    const said = [stdout, stderr, readFileSync(log, 'utf8')].map((text) => plain(text, id))
    lines.push(JSON.stringify([call, status, ...said, files]))
  }
  return lines
}

for (const [title, life] of Object.entries(lives))
  testAs(life.rootOnly ? { as: ['root'] } : {}, `a container ${title}`, async (world) => {
    const told = join(world.identity.home, 'told')
    const script = `#!/bin/sh\n: >>${told}\nexec ${await reachableNode()} "$@"\n`
    const node = world.file('node', script, 0o755)
    const quick = await live(world, life, { by: 'quick', node, told })
    assert.deepEqual(quick, await live(world, life, { by: 'node', node, told }))
  })
