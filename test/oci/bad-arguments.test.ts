// Needs a static busybox: arguments that are no UTF-8, that are many or long, and ids and paths at their limits.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { refused, succeeded, type World, writeConfig } from '../fixtures/world.ts'

async function sleeping(world: World, id = world.newId()): Promise<string> {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
  })
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  return id
}

/** Node gives its children text only, so a shell makes the bytes: `$bytes` is 0xff 0xc3. */
const throughShell = (script: string) => ['sh', '-c', `bytes=$(printf '\\377\\303'); ${script}`, 'sh'] as const

const hex = 'od -An -tx1 | tr -d " \\n"'

testAs({}, 'arguments and variables of exec that are not UTF-8 reach the program byte for byte', async (world) => {
  const id = await sleeping(world)
  const call = async (script: string) => succeeded(await world.usnea([], { through: throughShell(script) }))
  const show = `sh -c 'printf "%s" "$1$VAR" | ${hex}' sh`
  assert.equal(await call(`exec "$@" exec ${id} ${show} "a$bytes"`), '61ffc3')
  assert.equal(await call(`exec "$@" exec --env "VAR=$bytes" ${id} ${show} ä`), 'c3a4ffc3')
  assert.equal(await call(`exec "$@" exec "-e=VAR=b$bytes" ${id} ${show} ""`), '62ffc3')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'bytes that are not UTF-8 are refused where only text can be meant', async (world) => {
  const bundle = await world.bundle()
  const call = (script: string) => world.usnea([], { through: throughShell(script) })
  refused(await call(`exec "$@" run --bundle "${bundle.path}$bytes" one`), /value of --bundle is not valid UTF-8/)
  refused(
    await call(`exec "$@" run --bundle "${bundle.path}" --pid-file "$bytes" one`),
    /--pid-file is not valid UTF-8/,
  )
  refused(await call(`exec "$@" run --bundle "${bundle.path}" "one$bytes"`), /invalid container ID format/)
  refused(await call(`exec "$@" --log "$bytes" state one`), /value of --log is not valid UTF-8/)
})

testAs({}, 'a configuration or process file that is not UTF-8 is refused with the place', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.env.push('BYTES=@')
  })
  const bytes = Buffer.from(JSON.stringify(bundle.config), 'latin1')
  bytes[bytes.indexOf('@')] = 0xff
  writeFileSync(join(bundle.path, 'config.json'), bytes)
  const place = new RegExp(`config.json is not UTF-8: byte ${bytes.indexOf(0xff) + 1}`)
  for (const verb of ['create', 'run']) refused(await world.usnea([verb, '--bundle', bundle.path, 'one']), place)
  const id = await sleeping(world)
  const file = world.file('latin1.json', bytes)
  refused(await world.usnea(['exec', '--process', file, id]), /latin1\.json is not UTF-8: byte \d+/, 255)
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs({}, 'thousands of arguments and variables arrive', async (world) => {
  const many = Array.from({ length: 20_000 }, (_, i) => `word-${i}`)
  const bundle = await world.bundle((config) => {
    config.process.args = ['sh', '-c', 'echo $# $VAR_4999; for last; do :; done; echo $last; sleep 1000', 'sh', ...many]
    config.process.env.push(...Array.from({ length: 5000 }, (_, i) => `VAR_${i}=${i}`))
  })
  const id = world.newId()
  const call = world.call(['run', '--bundle', bundle.path, id])
  for (const deadline = Date.now() + 20_000; !call.output().stdout.includes('word') && Date.now() < deadline; )
    await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(call.output().stdout, '20000 4999\nword-19999\n')
  const echo = ['sh', '-c', 'echo $# $VAR_9', 'sh', ...many]
  assert.equal(succeeded(await world.usnea(['exec', id, ...echo])), '20000 9\n')
  succeeded(await world.usnea(['delete', '--force', id]))
  await call.ended
})

testAs({}, 'arguments that the kernel does not take are one clear error, and nothing is left', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['true', 'x'.repeat(200_000)]
  })
  refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /argument list too long.*shorten/)
  await world.nothingLeft()
  bundle.config.process.args = ['true']
  bundle.config.process.env.push(`BIG=${'x'.repeat(200_000)}`)
  writeConfig(bundle, world.identity)
  refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /argument list too long/)
})

testAs({ as: ['ranges'] }, 'a configuration without an end is refused before it fills the memory', async (world) => {
  const bundle = await world.bundle()
  const outcome = await world.usnea(['run', '--bundle', bundle.path, '--config', '/dev/zero', world.newId()])
  refused(outcome, /\/dev\/zero cannot be read: file too large/)
  refused(await world.usnea(['run', '--bundle', bundle.path, '--config', bundle.path, 'one']), /is a directory/)
})

testAs(
  { as: ['ranges'] },
  'a process file that cannot be read is refused, and one may come through a pipe',
  async (world) => {
    const id = await sleeping(world)
    const exec = (file: string) => world.usnea(['exec', '--process', file, id])
    refused(await exec('/dev/zero'), /\/dev\/zero cannot be read: file too large/, 255)
    refused(await exec(world.identity.home), /cannot be read: is a directory/, 255)
    refused(await exec('/proc/1/mem'), /\/proc\/1\/mem cannot be read/, 255)
    const description = JSON.stringify({
      args: ['echo', 'piped'],
      cwd: '/',
      user: { uid: 0, gid: 0 },
      env: ['PATH=/bin'],
    })
    const file = world.file('process.json', description)
    for (const script of [
      'exec 7<"$0"; exec "$@" -p /dev/fd/7',
      'cat "$0" | "$@" -p /dev/stdin',
      'cat "$0" | "$@" -p /proc/self/fd/0',
    ]) {
      const through = ['sh', '-c', `${script} ${id}`, file]
      assert.equal(succeeded(await world.usnea(['exec'], { through })), 'piped\n', script)
    }
    succeeded(await world.usnea(['delete', '--force', id]))
  },
)

testAs({ as: ['ranges'] }, 'ids and paths work up to their limits, and are refused beyond', async (world) => {
  const longest = 'x'.repeat(240)
  await sleeping(world, longest)
  assert.equal(succeeded(await world.usnea(['exec', longest, 'hostname'])), 'boxed\n')
  assert.equal(succeeded(await world.usnea(['list', '-q'])), `${longest}\n`)
  succeeded(await world.usnea(['delete', '--force', longest]))
  const bundle = await world.bundle()
  for (const length of [241, 1024, 10_000])
    refused(await world.usnea(['create', '--bundle', bundle.path, 'x'.repeat(length)]), /invalid container ID format/)
  const tooLong = join(world.identity.home, 'x'.repeat(300))
  refused(await world.usnea(['create', '--bundle', tooLong, 'one']), /the bundle .*file name too long/)
  refused(
    await world.usnea(['create', '--bundle', bundle.path, '--pid-file', join(tooLong, 'p'), 'one']),
    /pid file.*too long/,
  )
  for (const root of [tooLong, `/${'directory/'.repeat(500)}`])
    for (const call of [
      ['create', '--bundle', bundle.path, 'one'],
      ['delete', 'one'],
      ['state', 'one'],
    ])
      refused(
        await world.usnea(['--root', root, ...call], { noRoot: true }),
        /state directory|does not exist|state file/,
      )
})

testAs({ as: ['ranges'] }, 'a pid file that cannot be written is known before anything is made', async (world) => {
  const marker = join(world.identity.home, 'hook-ran')
  const bundle = await world.bundle((config) => {
    config.hooks = { prestart: [{ path: '/bin/sh', args: ['sh', '-c', `echo > ${marker}`] }] }
  })
  const closed = join(world.identity.home, 'closed-directory')
  mkdirSync(closed, { mode: 0o755 })
  const places = {
    [join(closed, 'pid')]: /permission denied/,
    '/nowhere/pid': /no such file/,
    '/etc': /permission denied/,
  }
  for (const [place, words] of Object.entries(places))
    for (const verb of ['create', 'run'])
      refused(await world.usnea([verb, '--bundle', bundle.path, '--pid-file', place, 'one']), words)
  assert.equal((await world.run(['ls', marker])).status === 0, false)
  const id = await sleeping(world)
  refused(
    await world.usnea(['exec', '--pid-file', '/nowhere/pid', id, 'true']),
    /cannot write the pid file \/nowhere\/pid/,
    255,
  )
  succeeded(await world.usnea(['delete', '--force', id]))
})
