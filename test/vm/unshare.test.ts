// Needs podman, cgroup v2 alone and a login session: `npm run test:vm -- podman`. As root of podman's user namespace.
import { needs } from '../fixtures/needs.ts'
import { isRoot } from '../fixtures/users.ts'
import { skip as unfit } from './scopes.ts'
import { testWay } from './ways.ts'

const skip = unfit ?? (isRoot ? 'is about users' : undefined) ?? needs('podman')
const scope = ['systemd-run', '--user', '--scope', '--quiet', '--property=Delegate=yes']
const inside = ['podman', 'unshare']

testWay({
  title: 'cgroupfs in podman unshare',
  manager: 'cgroupfs',
  through: [...scope, ...inside],
  isInside: true,
  skip,
})
testWay({ title: 'systemd in podman unshare', manager: 'systemd', through: inside, isInside: true, skip })
