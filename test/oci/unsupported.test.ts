// Needs a static busybox; what is not built yet is refused with clear words, never left out in silence.
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { refused } from '../fixtures/world.ts'

const wishes: Record<string, (config: Config) => void> = {
  'cache allocation': (config) =>
    Object.assign(config.linux, { intelRdt: { closID: 'group', l3CacheSchema: 'L3:0=f' } }),
}

for (const [title, wish] of Object.entries(wishes)) {
  testAs({}, `${title} is refused as not supported yet`, async (world) => {
    const bundle = await world.bundle(wish)
    refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /not supported/)
  })
}
