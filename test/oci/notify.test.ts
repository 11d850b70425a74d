// Needs a static busybox, python3 and gcc; sd_notify: what the program says reaches the service manager, and no more.
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { type Manager, notifyProgram, openManager } from '../fixtures/notify.ts'
import { attending, handedOver } from '../fixtures/resident.ts'
import { until } from '../fixtures/until.ts'
import { type Bundle, succeeded, type World, writeConfig } from '../fixtures/world.ts'

const needed = { needs: ['python3', 'gcc'] } as const

let sockets = 0
const manager = (world: World): Promise<Manager> =>
  openManager(world, join(world.identity.home, `manager-${++sockets}.sock`))

async function notifying(world: World, script: string): Promise<Bundle> {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', script]
  })
  copyFileSync(await notifyProgram(), join(bundle.rootfs, 'bin/notify'))
  return bundle
}

const calling = ({ address }: Manager) => ({ env: { NOTIFY_SOCKET: address } })
const pidOf = async (world: World, id: string): Promise<number> =>
  JSON.parse(succeeded(await world.usnea(['state', id]))).pid

testAs(
  needed,
  'in the foreground every state is handed on, and the one who waits is the main process',
  async (world) => {
    await using host = await manager(world)
    const states = 'STATUS=warming up\\nREADY=1\\nRELOADING=1\\nMONOTONIC_USEC=5\\nWATCHDOG=1\\nERRNO=2'
    const bundle = await notifying(
      world,
      `echo $NOTIFY_SOCKET; notify send '${states}'; notify barrier && echo passed; notify send 'STOPPING=1\\nEXTEND_TIMEOUT_USEC=7'; read x; exit 3`,
    )
    const call = world.call(['run', '--bundle', bundle.path, world.newId()], {
      ...calling(host),
      through: ['sh', '-c', 'sleep 1000 | "$@"', 'sh'],
    })
    await host.hears('STOPPING=1')
    await until('the barrier was answered', () => call.output().stdout === '/run/notify/notify.sock\npassed\n')
    const [waiting] = await handedOver(world)
    const mine = `MAINPID=${waiting?.pid}`
    if (world.identity.enclosure === undefined) assert.ok(host.lines().includes(mine), host.lines().join(' '))
    const expected = ['STATUS=warming up', 'READY=1', 'RELOADING=1', 'MONOTONIC_USEC=5', 'WATCHDOG=1', 'ERRNO=2']
    assert.deepEqual(host.lines(), [...expected, mine, 'STOPPING=1', 'EXTEND_TIMEOUT_USEC=7'])
    process.kill(waiting?.pid ?? 0, 'SIGKILL')
    await world.clear()
    await call.ended
  },
)

testAs(needed, 'a detached run returns at once; READY comes later, with the pid of the container', async (world) => {
  await using host = await manager(world)
  const bundle = await notifying(world, 'while [ ! -e /tmp/go ]; do sleep 0.05; done; notify send READY=1; sleep 1000')
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id], calling(host)))
  const pid = await pidOf(world, id)
  await host.hears(`MAINPID=${pid}`)
  assert.deepEqual(host.lines(), [`MAINPID=${pid}`])
  succeeded(await world.usnea(['exec', id, 'touch', '/tmp/go']))
  await host.hears('READY=1')
  assert.deepEqual(host.lines(), [`MAINPID=${pid}`, 'READY=1', `MAINPID=${pid}`])
  await until('the relay is gone', () => attending(world).length === 0)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(needed, 'create does not wait, and start relays to an abstract name', async (world) => {
  await using host = await openManager(world, `@usnea-test-${process.pid}-${++sockets}`)
  const bundle = await notifying(world, 'notify send "STATUS=a\\nREADY=1"; sleep 1000')
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id], calling(host)))
  assert.deepEqual(attending(world), [])
  succeeded(await world.usnea(['start', id]))
  await host.hears('READY=1')
  assert.ok(host.lines().includes(`MAINPID=${await pidOf(world, id)}`))
  await until('the relay is gone', () => attending(world).length === 0)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(needed, 'a container that never is ready holds up nobody, and takes its relay along', async (world) => {
  await using host = await manager(world)
  const bundle = await notifying(world, 'exit 0')
  assert.equal((await world.usnea(['run', '--bundle', bundle.path, world.newId()], calling(host))).status, 0)
  const sleeping = await notifying(world, 'sleep 1000')
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', sleeping.path, id], calling(host)))
  await until('the relay waits', () => attending(world).length === 1)
  succeeded(await world.usnea(['delete', '--force', id]))
  await until('the relay is gone', () => attending(world).length === 0)
})

testAs(needed, 'a service manager that is gone is no failure of the container', async (world) => {
  const script = 'notify send READY=1; notify send STATUS=x; notify barrier; echo done; exit 4'
  const bundle = await notifying(world, script)
  const env = { NOTIFY_SOCKET: join(world.identity.home, 'nobody.sock') }
  const { status, stdout } = await world.usnea(['run', '--bundle', bundle.path, world.newId()], { env })
  assert.deepEqual({ status, stdout }, { status: 4, stdout: 'done\n' })
})

testAs(needed, 'a hostile container names no process, passes no descriptor, and floods no memory', async (world) => {
  await using host = await manager(world)
  const script = [
    'notify send "MAINPID=1\\nSTATUS=one\\nMAINPIDFDID=3\\nNOTIFYACCESS=all"',
    'notify pass "FDSTORE=1\\nFDNAME=x"',
    'notify pass "STATUS=two\\nFDSTORE=1"',
    'notify send "$(head -c 9000 /dev/zero | tr "\\0" "a")"',
    'notify send "xREADY=1\\n READY=1\\nREADY\\nVSOCK=1"',
    'notify flood 5000 STATUS=flood',
    'notify send READY=1; read x',
  ].join('; ')
  const bundle = await notifying(world, script)
  const call = world.call(['run', '--bundle', bundle.path, world.newId()], {
    ...calling(host),
    through: ['sh', '-c', 'sleep 1000 | "$@"', 'sh'],
  })
  await host.hears('READY=1')
  const [waiting] = await handedOver(world)
  const others = host.lines().filter((line) => line !== 'STATUS=flood')
  assert.deepEqual(others, ['STATUS=one', 'STATUS=two', 'READY=1', `MAINPID=${waiting?.pid}`])
  assert.ok(host.messages.every(({ fds }) => fds === 0))
  process.kill(waiting?.pid ?? 0, 'SIGKILL')
  await world.clear()
  await call.ended
})

testAs({}, 'an address that is none is told, and nothing is passed on', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'echo "<$NOTIFY_SOCKET>"; ls -d /run/notify 2>/dev/null; exit 0']
  })
  const env = { NOTIFY_SOCKET: 'vsock:2:1234' }
  const { status, stdout } = await world.usnea(['run', '--bundle', bundle.path, world.newId()], { env })
  assert.deepEqual({ status, stdout }, { status: 0, stdout: '<>\n' })
})

testAs({ ...needed, as: ['root'] }, 'a container whose root is nobody on the host is heard too', async (world) => {
  await using host = await manager(world)
  const bundle = await notifying(world, 'notify send READY=1; sleep 1000')
  // The files of the image belong to nobody inside, so it could not be made there.
  mkdirSync(join(bundle.rootfs, 'run/notify'))
  bundle.config.linux.namespaces.push({ type: 'user' })
  const map = [{ containerID: 0, hostID: 300_000, size: 65_536 }]
  Object.assign(bundle.config.linux, { uidMappings: map, gidMappings: map })
  writeConfig(bundle, world.identity)
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id], calling(host)))
  await host.hears('READY=1')
  succeeded(await world.usnea(['delete', '--force', id]))
})
