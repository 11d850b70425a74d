/** A container that podman saves with criu, and goes on with. */
import assert from 'node:assert/strict'
import { criuPath, whyNoCriu } from '../fixtures/criu.ts'
import { imageName } from '../fixtures/image.ts'
import type { Play } from '../fixtures/podman-plays.ts'
import { until } from '../fixtures/until.ts'

export const saved: Play = {
  title: 'a container is checkpointed, restored, and goes on where it was',
  skip: whyNoCriu(),
  by: async (hands) => {
    const name = hands.name('saved')
    const options = { env: { PATH: criuPath(hands.podman.world.identity.env.PATH ?? '') } }
    const lines = async () => (await hands.unnoted(['logs', name])).stdout.split('\n').map(Number)
    const counted = async () => Math.max(...(await lines()))
    const script = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done'
    const start = ['run', '--detach', '--name', name, '--network', 'none', ...hands.podman.placing]
    await hands.done([...start, imageName, 'sh', '-c', script])
    await until('it counts', async () => (await counted()) > 1)
    await hands.done(['container', 'checkpoint', name], options)
    assert.match(
      await hands.done(['inspect', '--format', '{{.State.Status}} {{.State.Checkpointed}}', name]),
      /^exited true/,
    )
    const before = await counted()
    await hands.done(['container', 'restore', name], options)
    await until('it counts on', async () => (await counted()) > before)
    assert.equal((await lines()).filter((line) => line === 1).length, 1, 'it did not begin again')
    await hands.done(['exec', name, 'echo', 'inside'])
    await hands.done(['rm', '--force', '--time', '0', name])
  },
}
