/** Containers as scopes of systemd, and what systemd says of them. As whoever the tests are started as. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { ownCgroups } from '../fixtures/cgroups.ts'
import type { Config } from '../fixtures/config.ts'
import { isRoot } from '../fixtures/users.ts'
import type { CallOptions, World } from '../fixtures/world.ts'

export const session = {
  XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR,
  DBUS_SESSION_BUS_ADDRESS: process.env.DBUS_SESSION_BUS_ADDRESS,
}
const trees = ownCgroups()
export const noSystemd =
  (existsSync('/run/systemd/system') ? undefined : 'needs a machine that runs systemd (npm run test:vm)') ??
  (isRoot || session.XDG_RUNTIME_DIR !== undefined ? undefined : 'needs a login session (npm run test:vm)')
export const skip =
  noSystemd ?? (trees.length === 1 && trees[0]?.version === 2 ? undefined : 'needs cgroup v2 alone (npm run test:vm)')

export const slice = isRoot ? 'system.slice' : 'user.slice'

/** Machines under emulation are slow. */
export const patience = { env: session, timeout: 120_000 }

export const call = (world: World, args: readonly string[], options: CallOptions = {}) =>
  world.usnea(args, { ...patience, ...options })

export const limits = (resources: object) => (config: Config) => void Object.assign(config.linux, { resources })

/** The scope is `box-ID.scope`. */
export async function run(world: World, id: string, patch: (config: Config) => void, options: CallOptions = {}) {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    Object.assign(config.linux, { cgroupsPath: `${slice}:box:${id}` })
    patch(config)
  })
  return call(world, ['--systemd-cgroup', 'run', '--detach', '--bundle', bundle.path, id], options)
}

export const systemctl = async (world: World, ...args: string[]) =>
  (await world.run(['systemctl', ...(isRoot ? [] : ['--user']), '--no-pager', ...args], patience)).stdout

export async function show(world: World, unit: string, ...names: string[]): Promise<Record<string, string>> {
  const lines = await systemctl(world, 'show', unit, ...names.map((name) => `--property=${name}`))
  return Object.fromEntries(
    lines
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  )
}

/** A podman without root keeps a process that holds its namespaces: started here it is left by no test. */
export const startPodman = () => void (isRoot || spawnSync('podman', ['unshare', 'true'], { cwd: '/' }))
