// Needs a static busybox; a foreground run hands signals on to the program.
import assert from 'node:assert/strict'
import { testAs } from '../fixtures/cases.ts'
import { until } from '../fixtures/until.ts'
import { succeeded } from '../fixtures/world.ts'

const forwarded = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'] as const

testAs({}, 'signals to a foreground run reach the program, and the run goes on', async (world) => {
  const traps = forwarded.map((name) => `trap "echo ${name}" ${name.slice(3)}`).join('; ')
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', `${traps}; trap "echo end; exit 3" ALRM; echo up; while :; do sleep 0.05; done`]
  })
  const call = world.call(['run', '--bundle', bundle.path, world.newId()])
  await until('the program runs', () => call.output().stdout === 'up\n')
  for (const name of forwarded) {
    call.child.kill(name)
    await until(`${name} arrived`, () => call.output().stdout.includes(`${name}\n`))
  }
  call.child.kill('SIGALRM')
  assert.deepEqual(await call.ended, {
    status: 3,
    signal: null,
    stdout: `up\n${forwarded.join('\n')}\nend\n`,
    stderr: '',
  })
})

testAs({}, 'a program that dies of a forwarded signal gives its number', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'trap "exit 130" INT; echo up; while :; do sleep 0.05; done']
  })
  const call = world.call(['run', '--bundle', bundle.path, world.newId()])
  await until('the program runs', () => call.output().stdout === 'up\n')
  call.child.kill('SIGINT')
  assert.equal((await call.ended).status, 130)
})

testAs({ as: ['root'] }, 'kill --all reaches hundreds of processes', async (world) => {
  const id = world.newId()
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'for i in $(seq 300); do sleep 1000 & done; while :; do wait; sleep 0.1; done']
  })
  const processes = async (): Promise<number> =>
    JSON.parse(succeeded(await world.usnea(['ps', '--format', 'json', id]))).length
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await until('all of them are there', async () => (await processes()) > 300)
  succeeded(await world.usnea(['kill', '--all', id, 'TERM']))
  // The shell is PID 1 and has no handler.
  await until('only the shell is left', async () => (await processes()) < 3)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'kill --all reaches every process of the container', async (world) => {
  const bundle = await world.bundle((config) => {
    const child = 'sh -c "trap \\"echo child >&2\\" USR1; while :; do sleep 0.05; done"'
    config.process.args = ['sh', '-c', `trap "echo first >&2" USR1; ${child} & echo up; while :; do sleep 0.05; done`]
  })
  const id = world.newId()
  const call = world.call(['run', '--detach', '--bundle', bundle.path, id])
  succeeded(await call.ended)
  await until('both processes handle the signal', async () => {
    await world.usnea(['kill', '--all', id, 'USR1'])
    const { stderr } = call.output()
    return stderr.includes('first') && stderr.includes('child')
  })
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'without a pid namespace of its own, delete --force ends every process of the container', async (world) => {
  const bundle = await world.bundle((config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'pid')
    // A fresh proc needs a pid namespace of its own.
    config.mounts = config.mounts.map((mount) =>
      mount.destination === '/proc'
        ? { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind'] }
        : mount,
    )
    config.linux.maskedPaths = []
    config.linux.readonlyPaths = []
    config.process.args = ['sh', '-c', 'sleep 1000 & sleep 1001 & wait']
  })
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['delete', '--force', id]))
})
