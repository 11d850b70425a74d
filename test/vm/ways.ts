/** What must hold of limits whichever way the container came to its cgroup: tests for one way. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { testAs } from '../fixtures/cases.ts'
import { cgroupOfProcess } from '../fixtures/cgroups.ts'
import type { Config } from '../fixtures/config.ts'
import { readRow, resourcesOf, rowsFor } from '../fixtures/resource-rows.ts'
import { until } from '../fixtures/until.ts'
import { isRoot } from '../fixtures/users.ts'
import { succeeded, type World } from '../fixtures/world.ts'
import { call, limits } from './scopes.ts'

export interface Way {
  readonly title: string
  readonly manager: 'cgroupfs' | 'systemd'
  /** Which programs start the runtime. */
  readonly through?: readonly string[]
  /** The container's cgroup lies below a scope that is made for it: what lies beside one belongs to systemd. */
  readonly inScope?: boolean
  /** We are root of a namespace already. */
  readonly isInside?: boolean
  /** Which limits enforce: what `usnea limits` says. */
  readonly skip: string | undefined
}

const root = '/sys/fs/cgroup'
const delegated = ['systemd-run', '--user', '--scope', '--quiet', '--property=Delegate=yes']

/** The user's own systemd hands on what it was handed. */
const handed = isRoot ? root : `${root}/user.slice/user-${process.getuid?.()}.slice/user@${process.getuid?.()}.service`
const controllers = existsSync(join(handed, 'cgroup.controllers'))
  ? readFileSync(join(handed, 'cgroup.controllers'), 'utf8').split(/\s+/)
  : []
/** systemd 252 has no property for hugetlb, but we write it ourselves, which a user may not. */
const rows = rowsFor((name) => controllers.includes(name))

const scopeOf = (id: string): string => `${handed}/app.slice/${id}.scope`

/** Whoever starts the runtime steps aside first, because a cgroup with processes hands no controllers down. */
function inScope(id: string): string[] {
  const aside = `${scopeOf(id)}/callers`
  const script = `mkdir ${aside} && echo $$ >${aside}/cgroup.procs && exec "$0" "$@"`
  return [...delegated, `--unit=${id}`, 'sh', '-c', script]
}

const pidOf = async (world: World, id: string): Promise<number> =>
  JSON.parse(succeeded(await call(world, ['state', id]))).pid

export function testWay(way: Way): void {
  const wanted = { as: [isRoot ? 'root' : 'ranges'], skip: way.skip } as const
  const options = { through: way.through ?? [] }
  const made = async (world: World, args: string[], patch: (config: Config) => void) => {
    const id = world.newId()
    const bundle = await world.bundle((config) => {
      config.process.args = args
      patch(config)
      if (way.inScope) Object.assign(config.linux, { cgroupsPath: `${scopeOf(id).slice(root.length)}/${id}` })
      if (way.isInside !== true) return
      Object.assign(config.linux, { uidMappings: undefined, gidMappings: undefined })
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'user')
    })
    const create = ['--cgroup-manager', way.manager, 'create', '--bundle', bundle.path, id]
    const scope = way.inScope ? inScope(id) : []
    succeeded(await call(world, create, { through: [...scope, ...options.through] }))
    return id
  }

  testAs(wanted, `${way.title}: every controller is set, read back, changed and removed`, async (world) => {
    const id = await made(world, ['sleep', '1000'], limits(resourcesOf(rows, 0)))
    const pid = await pidOf(world, id)
    const directory = cgroupOfProcess(pid, '') ?? ''
    assert.equal(directory.includes(way.manager === 'systemd' ? `usnea-${id}.scope` : id), true, directory)
    assert.ok(rows.length >= 6, `the controllers are ${controllers}`)
    for (const row of rows) assert.match(readRow(directory, row), row.holds[0], row.files[1])
    const said = JSON.parse(succeeded(await call(world, ['limits', '--format', 'json', id], options)))
    for (const { limit, enforcedBy } of said)
      if (limit.startsWith('/linux/resources')) assert.match(enforcedBy, /^(cgroup|systemd)$/, limit)
    const update = ['update', '--resources', '-', id]
    succeeded(await call(world, update, { ...options, input: JSON.stringify(resourcesOf(rows, 1)) }))
    for (const row of rows) assert.match(readRow(directory, row), row.holds[1], row.files[1])
    succeeded(await call(world, ['delete', '--force', id], options))
    assert.equal(existsSync(directory), false, directory)
  })

  testAs(wanted, `${way.title}: memory, processes and CPU time end where they should`, async (world) => {
    // A shell that is refused a process ends, hence the second one, and the place that is kept for tail: the process that
    // makes the file takes one as well, and may still be there.
    const program = `sleep 1000 & kept=$!
      (i=0; while [ $i -lt 30 ]; do sleep 1000 & i=$((i+1)); done) 2>/dev/null
      while [ ! -e /tmp/go ]; do :; done; kill $kept; wait $kept; tail /dev/zero; sleep 1000`
    const resources = {
      memory: { limit: 32 << 20, swap: 32 << 20 },
      pids: { limit: 12 },
      cpu: { quota: 50_000, period: 100_000 },
    }
    const id = await made(world, ['sh', '-c', program], limits(resources))
    const pid = await pidOf(world, id)
    const directory = cgroupOfProcess(pid, '') ?? ''
    const number = (file: string, name: string) =>
      Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(join(directory, file), 'utf8'))?.[1])
    const watching = world.call(['events', '--interval', '1s', id])
    await until('there are statistics', async () => watching.output().stdout.includes('"stats"'))
    succeeded(await call(world, ['start', id], options))
    await until('processes are refused', async () => number('pids.events', 'max') > 0)
    // A share, not a time: what the kernel gives it of what there is.
    await until('it uses its half of a CPU, within a tenth', async () => {
      const [began, used] = [performance.now(), number('cpu.stat', 'usage_usec')]
      await sleep(2000)
      const share = (number('cpu.stat', 'usage_usec') - used) / 1000 / (performance.now() - began)
      assert.ok(share < 0.6, `${share} of a CPU`)
      return share > 0.45 && share < 0.55
    })
    // From a login session a user may move nothing to below the user's systemd.
    const joining = [...(way.inScope ? delegated : []), ...options.through]
    succeeded(await call(world, ['exec', id, 'sh', '-c', ': >/tmp/go'], { through: joining }))
    await until('the lack of memory is told', async () => watching.output().stdout.includes('"oom"'))
    succeeded(await call(world, ['delete', '--force', id], options))
    succeeded(await watching.ended)
  })

  testAs(wanted, `${way.title}: pause, resume, ps, kill --all and events`, async (world) => {
    const id = await made(world, ['sh', '-c', 'sleep 1000 & sleep 1000 & wait'], limits({ pids: { limit: 30 } }))
    const directory = cgroupOfProcess(await pidOf(world, id), '') ?? ''
    succeeded(await call(world, ['start', id], options))
    succeeded(await call(world, ['pause', id], options))
    assert.match(readFileSync(join(directory, 'cgroup.events'), 'utf8'), /^frozen 1$/m)
    assert.equal(JSON.parse(succeeded(await call(world, ['state', id]))).status, 'paused')
    succeeded(await call(world, ['resume', id], options))
    await until('both are there', async () => {
      const pids = JSON.parse(succeeded(await call(world, ['ps', '--format', 'json', id], options)))
      return pids.length === 3
    })
    const { data } = JSON.parse(succeeded(await call(world, ['events', '--stats', id], options)))
    assert.deepEqual([data.pids.current, data.pids.limit], [3, 30])
    succeeded(await call(world, ['kill', '--all', id, 'KILL'], options))
    await until(
      'it has ended',
      async () => JSON.parse(succeeded(await call(world, ['state', id]))).status === 'stopped',
    )
    succeeded(await call(world, ['delete', id], options))
    assert.equal(existsSync(directory), false, directory)
  })
}
