// Needs podman, cgroup v2 alone and a login session: `npm run test:vm -- podman`. As root of podman's user namespace.
import { needs } from '../fixtures/needs.ts'
import { isRoot } from '../fixtures/users.ts'
import { startPodman, skip as unfit } from './scopes.ts'
import { testWay } from './ways.ts'

const skip = unfit ?? (isRoot ? 'is about users' : undefined) ?? needs('podman')
if (skip === undefined) startPodman()
const inside = { through: ['podman', 'unshare'], isInside: true, skip }

testWay({ title: 'cgroupfs in podman unshare', manager: 'cgroupfs', inScope: true, ...inside })
testWay({ title: 'systemd in podman unshare', manager: 'systemd', ...inside })
