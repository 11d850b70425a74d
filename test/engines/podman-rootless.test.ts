// Needs subordinate ids, podman with conmon, runc or crun, a static busybox and python3; single tests need catatonit or slirp4netns.

import { mistakes } from '../engines/mistakes.ts'
import { rootlessViews, views } from '../engines/views.ts'
import { testPlays } from '../fixtures/podman-plays.ts'
import { insideTests } from './inside.ts'
import { lives } from './lives.ts'

const levels = { root: 'U2', user: 'U1' }
await testPlays('ranges', [...lives, ...views, ...rootlessViews, ...mistakes], (open, skip) =>
  insideTests(() => {
    const podman = open()
    return podman && { name: 'podman', world: podman.world, call: podman.unnoted, unmasked: 'unmask=ALL', levels }
  }, skip),
)
