// Needs root, dockerd with its client and containerd, runc, a static busybox, unshare and python3.
import { after, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { openDocker, playOn } from '../fixtures/docker.ts'
import { entries, needs } from '../fixtures/needs.ts'
import { until } from '../fixtures/until.ts'
import { plays } from './docker-plays.ts'
import { insideTests } from './inside.ts'

const skip = needs('dockerd', 'docker', 'containerd', 'busybox', 'unshare', 'python3') ?? whyNot('root')
const docker = skip === undefined ? await openDocker() : undefined
after(() => docker?.[Symbol.asyncDispose]())

for (const { title, by } of plays) {
  test(
    `docker: ${title}`,
    { skip: skip ?? docker?.unable },
    () => docker && playOn({ usnea: docker, runc: docker }, by),
  )
}

const levels = { root: 'U2', user: 'U1' }
insideTests(
  () =>
    docker && { name: 'docker', world: docker.world, call: docker.unnoted, unmasked: 'systempaths=unconfined', levels },
  skip ?? docker?.unable,
)

test('docker: nothing of a container is left where runtimes keep their state', { skip: skip ?? docker?.unable }, () =>
  until('docker has forgotten all', () => entries(docker?.state ?? '').length === 0),
)
