// Needs root, AppArmor and apparmor_parser: `npm run test:vm`. A profile confines the program, and what is executed beside it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { findProgram, needs } from '../fixtures/needs.ts'
import { atEnd, runDirectory } from '../fixtures/run-directory.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const isOn = (() => {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y')
  } catch {
    return false
  }
})()
const parser = findProgram('apparmor_parser')
const skip =
  needs('root') ??
  (!isOn ? 'needs AppArmor' : parser === undefined ? 'needs apparmor_parser (Debian: apparmor)' : undefined)
const patience = { timeout: 120_000 }

/** Everything is allowed but one file, so that only the profile can be what refuses it. */
const [strict, other] = [`usnea-test-${process.pid}`, `usnea-other-${process.pid}`] as const
const profile = (name: string, denied: string) =>
  `profile ${name} flags=(attach_disconnected,mediate_deleted) {\n  capability,\n  file,\n  mount,\n  signal,\n  ptrace,\n  deny ${denied} w,\n}\n`

function load(): void {
  const file = join(runDirectory(), `profiles-${process.pid}`)
  writeFileSync(file, profile(strict, '/tmp/closed') + profile(other, '/tmp/open'))
  const { status, stderr } = spawnSync(parser ?? '', ['--replace', '--skip-cache', file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the profiles cannot be loaded: ${stderr}`)
  atEnd(() => spawnSync(parser ?? '', ['--remove', file]))
}

if (skip === undefined) load()

const attempt = 'cat /proc/self/attr/current; echo x > /tmp/open; echo x > /tmp/closed'

testAs(
  { as: ['root', 'ranges'], skip },
  'the program is confined by the profile of the configuration',
  async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.apparmorProfile = strict
      config.process.args = ['sh', '-c', attempt]
    })
    const { stdout, stderr, status } = await world.usnea(['run', '--bundle', bundle.path, world.newId()], patience)
    assert.equal(stdout, `${strict} (enforce)\n`)
    assert.match(stderr, /can't create \/tmp\/closed: Permission denied/)
    assert.doesNotMatch(stderr, /tmp\/open/)
    assert.equal(status, 1)
  },
)

testAs({ as: ['root'], skip }, 'exec takes the profile of the container, or the one that is named', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.apparmorProfile = strict
    config.process.args = ['sleep', '1000']
  })
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id], patience))
  const first = await world.usnea(['exec', id, 'sh', '-c', attempt], patience)
  assert.equal(first.stdout, `${strict} (enforce)\n`)
  assert.match(first.stderr, /\/tmp\/closed: Permission denied/)
  const second = await world.usnea(['exec', '--apparmor', other, id, 'sh', '-c', attempt], patience)
  assert.equal(second.stdout, `${other} (enforce)\n`)
  assert.match(second.stderr, /\/tmp\/open: Permission denied/)
  succeeded(await world.usnea(['delete', '--force', id], patience))
})

testAs({ as: ['root'], skip }, 'a profile that is not loaded is refused by name, and nothing stays', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.apparmorProfile = 'usnea-nowhere'
  })
  refused(
    await world.usnea(['run', '--bundle', bundle.path, world.newId()], patience),
    /unable to apply apparmor profile .*usnea-nowhere.*apparmor_parser/,
  )
})
