// Needs root, podman with conmon, runc or crun, a static busybox and python3; single tests need catatonit, slirp4netns or criu.

import { mistakes } from '../engines/mistakes.ts'
import { rootViews, views } from '../engines/views.ts'
import { testPlays } from '../fixtures/podman-plays.ts'
import { lives } from './lives.ts'
import { saved } from './saved.ts'

await testPlays('root', [...lives, ...views, ...rootViews, ...mistakes, saved])
