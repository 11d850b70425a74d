// Needs subordinate ids, podman with conmon, runc or crun, a static busybox and python3; single tests need catatonit or slirp4netns.

import { mistakes } from '../engines/mistakes.ts'
import { rootlessViews, views } from '../engines/views.ts'
import { testPlays } from '../fixtures/podman-plays.ts'
import { lives } from './lives.ts'

await testPlays('ranges', [...lives, ...views, ...rootlessViews, ...mistakes])
