/** Every cause of docs/doctor.md that can be made here is made, and the doctor names it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { type CauseRow, causes } from '../fixtures/causes.ts'
import { runtimePath } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { runDirectory } from '../fixtures/run-directory.ts'
import { provideUser, type User } from '../fixtures/users.ts'

const skip = needs('root', 'unshare', 'setpriv', 'python3', 'newuidmap')
const users = new Map<string, User>()
const nobody: User = { name: '65533', uid: 65533, gid: 65533, ranges: undefined }

function userOf(who: NonNullable<CauseRow['as']>): User {
  if (who === 'root') return { name: 'root', uid: 0, gid: 0, ranges: undefined }
  if (who === 'nobody') return nobody
  const user = users.get(who) ?? provideUser(who === 'ranges' ? 'with ranges' : 'without ranges')
  users.set(who, user)
  return user
}

const becoming = ({ uid, gid }: User, more: readonly string[] = []): string[] =>
  uid === 0 ? [] : ['setpriv', '--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', ...more]

let places = 0

function diagnosed(row: CauseRow, usnea: string) {
  const user = userOf(row.as ?? 'plain')
  const place = join(runDirectory(), `cause-${++places}`)
  mkdirSync(place)
  const given = Object.entries({ HOME: '/nonexistent', ...row.env }).map(([name, value]) => `${name}=${value}`)
  const doctor = ['env', ...given, usnea, 'doctor', '--json']
  const call = [...becoming(user, row.become), ...(row.through?.(user) ?? []), ...doctor]
  const outer = ['--mount', '--propagation', 'private', 'sh', '-ec', `${row.before ?? ':'}\nexec "$@"`, 'sh']
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    DIR: place,
    RUN: runDirectory(),
    WHO: user.name,
    UID_OF_WHO: String(user.uid),
  }
  const { status, stdout, stderr } = spawnSync('unshare', [...outer, ...call], {
    encoding: 'utf8',
    env,
    cwd: '/',
  })
  assert.ok(stdout.startsWith('{'), `${status}: ${stderr}`)
  return JSON.parse(stdout)
}

const schema = JSON.parse(readFileSync(new URL('../../docs/doctor.schema.json', import.meta.url), 'utf8'))
const validate: (diagnosis: unknown) => boolean = new Ajv({ allErrors: true }).compile(schema)
const ids = schema.definitions.finding.properties.id.description.split(';')[0].split(' ')

for (const row of causes) {
  test(`${row.cause}: ${row.code}`, { skip: skip ?? false }, async () => {
    const diagnosis = diagnosed(row, await runtimePath())
    assert.ok(validate(diagnosis), JSON.stringify(diagnosis))
    const { level, findings } = diagnosis
    assert.deepEqual(
      findings.filter(({ id }: { id: string }) => !ids.includes(id)),
      [],
    )
    const found = findings.find(({ id }: { id: string }) => id === row.finding)
    const seen = JSON.stringify(found)
    assert.deepEqual([found?.status, found?.code], [row.status, row.code], seen)
    assert.ok(found.fix && found.what, `cause and fix: ${seen}`)
    assert.equal(level, row.level, JSON.stringify(findings, null, 1))
  })
}

test('docs/doctor.md has this table', () => {
  const text = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8')
  for (const { cause, finding, code, level } of causes) {
    const line = `| ${cause} | \`${finding}\` | [${code}](errors.md#${code}) | ${level} |`
    assert.ok(text.includes(line), `missing: ${line}`)
  }
})

test('the doctor leaves nothing behind', { skip: needs('root', 'unshare') ?? false }, async () => {
  const home = join(runDirectory(), 'home-of-doctor')
  mkdirSync(home)
  // In a mount namespace of its own: other tests mount, too.
  const script = 'cat /proc/self/mountinfo; "$0" doctor >/dev/null || exit 9; echo; cat /proc/self/mountinfo'
  const argv = ['--mount', '--propagation', 'private', 'sh', '-c', script, await runtimePath()]
  const env = { PATH: process.env.PATH ?? '', HOME: home, XDG_RUNTIME_DIR: home, XDG_CACHE_HOME: home }
  const { status, stdout } = spawnSync('unshare', argv, { env, encoding: 'utf8' })
  assert.equal(status, 0)
  const [before, after] = stdout.split('\n\n')
  assert.equal(after?.trim(), before?.trim())
  assert.deepEqual(readdirSync(home), [])
})
