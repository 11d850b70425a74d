/** The same life by ctr, with a containerd that is started for it. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { ctrOf, keepOrder, namespace, runtimeOptions, startContainerd, tidy } from '../fixtures/containerd.ts'
import { imageArchive, imageName } from '../fixtures/image.ts'
import { findProgram } from '../fixtures/needs.ts'
import { succeeded, type World } from '../fixtures/world.ts'
import type { Contender } from './measure.ts'
import { spawned } from './peers.ts'

export interface Engine extends AsyncDisposable {
  readonly contenders: Contender[]
}

/** Undefined where a part of it is missing. */
export async function openEngine(world: World): Promise<Engine | undefined> {
  const runc = findProgram('runc')
  const others = ['containerd', 'ctr', 'containerd-shim-runc-v2'].map((name) => findProgram(name))
  if (runc === undefined || others.includes(undefined)) return undefined
  const leaveNothing = keepOrder()
  const { home } = world.identity
  const daemon = await startContainerd(world)
  const [ctr = '', ...words] = ctrOf(home)
  const call = (args: readonly string[]) => world.run([ctr, ...words, ...args])
  succeeded(await call(['images', 'import', await imageArchive()]))
  let count = 0
  const life = (options: readonly string[]) =>
    spawned(ctr, [...words, 'run', '--rm', '--null-io', ...options, imageName, `bench-${++count}`, 'true'])
  const ours = ['--runtime', 'io.containerd.usnea.v2', '--fifo-dir', join(home, 'fifo')]
  return {
    contenders: [
      { name: 'ctr, our shim, usnea', run: () => life(ours) },
      { name: "ctr, containerd's shim, runc", run: () => life(runtimeOptions(world, runc)) },
    ],
    [Symbol.asyncDispose]: async () => {
      await tidy(call)
      daemon.child.kill('SIGTERM')
      await daemon.ended
      rmSync(join('/run/containerd/usnea', namespace), { recursive: true, force: true })
      leaveNothing()
    },
  }
}
