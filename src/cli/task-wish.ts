/** What is asked of the service when a task is made: from the options, the bundle and the settings. */
import { readFileSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { errnoOf, RuntimeError } from '../base/errors.ts'
import type { CreateWish, IoWish, ShimOptions } from '../tasks/index.ts'
import type { Flag } from './flags.ts'
import { given } from './given.ts'
import type { Session } from './session.ts'
import { findPlaces, targetOf, taskFlags } from './tasks-session.ts'

export const makeFlags = [
  ...taskFlags,
  { name: 'bundle', short: 'b', kind: 'text', value: 'DIR', help: 'directory with config.json and the root (.)' },
  { name: 'runtime', kind: 'text', value: 'NAME', help: "a runtime's name, or a shim's type or absolute path" },
  { name: 'checkpoint', kind: 'text', value: 'DIR', help: 'begin with what task checkpoint has saved there' },
  { name: 'label', short: 'l', kind: 'list', value: 'NAME=VALUE', help: 'a note on the task; may be repeated' },
] as const satisfies readonly Flag[]

export interface MakeValues {
  readonly service: string | undefined
  readonly namespace: string | undefined
  readonly bundle: string | undefined
  readonly runtime: string | undefined
  readonly label: readonly string[]
  readonly checkpoint: string | undefined
}

interface SpecFacts {
  readonly spec: string
  readonly terminal: boolean
}

/** Its root is named absolutely: the shim gets a bundle of its own, and not the caller's directory. */
function readSpec(bundle: string): SpecFacts {
  const path = join(bundle, 'config.json')
  try {
    const config = JSON.parse(readFileSync(path, 'utf8')) as {
      root?: { path?: unknown }
      process?: { terminal?: unknown }
    }
    const root = config.root?.path
    if (typeof root === 'string' && !isAbsolute(root) && config.root) config.root.path = resolve(bundle, root)
    return { spec: Buffer.from(JSON.stringify(config)).toString('base64'), terminal: config.process?.terminal === true }
  } catch (cause) {
    const errno = errnoOf(cause)
    const why = errno === undefined ? (cause as Error).message : undefined
    throw new RuntimeError('task-request', {
      what: `cannot read ${path}`,
      ...(errno && { errno }),
      ...(why && { why }),
      cause,
    })
  }
}

export async function createWish(
  { values, id, io }: { values: MakeValues; id: string; io: (terminal: boolean) => IoWish },
  session: Session,
): Promise<CreateWish> {
  const { spec, terminal } = readSpec(session.path(values.bundle ?? '.'))
  const runtime = await resolveFor(values, session)
  const labels = Object.fromEntries(values.label.map((label) => pairOf(label)))
  const checkpoint = values.checkpoint === undefined ? undefined : session.path(values.checkpoint)
  return { ...targetOf(values, id), ...runtime, spec, io: io(terminal), labels, ...given({ checkpoint }) }
}

function pairOf(label: string): [string, string] {
  const at = label.indexOf('=')
  return at < 0 ? [label, ''] : [label.slice(0, at), label.slice(at + 1)]
}

/** As this call's settings have it, and not those of a daemon. */
async function resolveFor(
  { runtime: name, service }: Pick<MakeValues, 'runtime' | 'service'>,
  session: Session,
): Promise<{ runtime: string; options: ShimOptions }> {
  const host = await session.host()
  const places = await findPlaces(service, session)
  const { openRegistry } = await import('../runtimes/open.ts')
  const { chooseShim } = await import('../tasks/service/choose.ts')
  const registry = (await openRegistry(host, { stateRoot: places.oci })).current
  const { binary, options } = chooseShim(name, { registry, wrappers: places.wrappers, uid: host.uid })
  return { runtime: binary, options: { ...options, ...(session.globals.systemdCgroup && { systemdCgroup: true }) } }
}
