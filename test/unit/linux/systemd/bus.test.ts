// Needs nothing: talking to a systemd that answers, refuses, hangs, dies, or is none. All at the ends of a real socket.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isRuntimeError } from '../../../../src/base/errors.ts'
import type { Patience } from '../../../../src/linux/systemd/bus.ts'
import { variant } from '../../../../src/linux/systemd/encode.ts'
import { Manager } from '../../../../src/linux/systemd/manager.ts'
import type { Message } from '../../../../src/linux/systemd/message.ts'
import { type Fake, type FakeOptions, fakeSystemd, property, type Reply } from '../../../fixtures/fake-systemd.ts'
import { aHost, realRoot } from '../../host/literal.ts'

const directory = mkdtempSync(join(tmpdir(), 'usnea-bus-'))
after(() => rmSync(directory, { recursive: true, force: true }))

/** Long enough for a busy machine; where a wait is what is tested, `shortly`. */
const patient = { connect: 20_000, call: 20_000 }
const shortly = { connect: 400, call: 400 }
let sockets = 0

interface Scenario extends FakeOptions {
  readonly wait?: Patience
}

async function withFake(options: Scenario, body: (open: () => Promise<Manager>, fake: Fake) => Promise<void>) {
  const path = join(directory, `${++sockets}`)
  await using fake = await fakeSystemd(path, options)
  const env = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}`, XDG_RUNTIME_DIR: '/nonexistent' }
  // No other address: /run/user of that uid is nobody's.
  await body(() => Manager.open(aHost({ env, uid: 3_999_999_999 as never }), options.wait ?? patient), fake)
}

const SYSTEMD = 'org.freedesktop.systemd1'
const job = '/org/freedesktop/systemd1/job/7'
const jobEnded = (result: string) => ({
  path: '/org/freedesktop/systemd1',
  interface: `${SYSTEMD}.Manager`,
  member: 'JobRemoved',
  signature: 'uoss',
  body: [7, job, 'x.scope', result],
})
/** Starts and stops at once; `members` are answered otherwise. */
const willing =
  (
    members: Readonly<Record<string, (call: Message) => Reply>> = {},
    result = 'done',
  ): NonNullable<FakeOptions['reply']> =>
  (call, { signal }) => {
    const other = members[call.member ?? '']?.(call)
    if (other !== undefined) return other
    if (call.member === 'Get') return property('s', call.body[1] === 'Version' ? '252.1-1' : '/user.slice/me/')
    if (call.member !== 'StartTransientUnit' && call.member !== 'StopUnit') return {}
    // Before the answer: the order is not promised.
    signal({ ...jobEnded('canceled'), body: [6, `${job}0`, 'y.scope', 'canceled'] })
    signal(jobEnded(result))
    return { signature: 'o', body: [job] }
  }

const codeOf = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(isRuntimeError(error), String(error))
  assert.equal(error.code, code)
  assert.match(error.message, words)
  return true
}

describe('a manager that answers', () => {
  it('says what it is, and starts a scope', async () => {
    await withFake({ reply: willing() }, async (open, fake) => {
      using manager = await open()
      assert.deepEqual(await manager.facts(), { manager: 'user', version: 252, cgroup: '/user.slice/me' })
      await manager.startScope('x.scope', [['PIDs', variant('au', [5])]])
      const names = fake.calls.map(({ member }) => member)
      assert.deepEqual(names, ['Hello', 'AddMatch', 'Get', 'Get', 'StartTransientUnit'])
      assert.deepEqual(fake.calls.at(-1)?.body, ['x.scope', 'replace', [['PIDs', { signature: 'au', value: [5] }]], []])
      // Without a name the kernel's word counts, also from inside a user namespace.
      assert.deepEqual(fake.lines, ['\0AUTH EXTERNAL', 'DATA', 'BEGIN'])
    })
  })

  it('is given the uid that it sees when it insists', async () => {
    await withFake({ login: 'named', reply: willing() }, async (open, fake) => {
      ;(await open())[Symbol.dispose]()
      assert.equal(fake.lines[1], `AUTH EXTERNAL ${Buffer.from('3999999999').toString('hex')}`)
    })
  })

  it('has a failed unit of that name swept away, once', async () => {
    let starts = 0
    const exists = () => (++starts === 1 ? { error: `${SYSTEMD}.UnitExists` } : (undefined as never))
    await withFake({ reply: willing({ StartTransientUnit: exists }) }, async (open, fake) => {
      using manager = await open()
      await manager.startScope('x.scope', [])
      assert.deepEqual(
        fake.calls.slice(2).map(({ member }) => member),
        ['StartTransientUnit', 'ResetFailedUnit', 'StartTransientUnit'],
      )
    })
    const always = () => ({ error: `${SYSTEMD}.UnitExists`, text: 'Unit x.scope already exists.' })
    await withFake({ reply: willing({ StartTransientUnit: always }) }, async (open) => {
      using manager = await open()
      await assert.rejects(
        manager.startScope('x.scope', []),
        codeOf('systemd-unit', /x\.scope.*already exists.*fix: stop it/),
      )
    })
  })

  it('may refuse, or fail the job', async () => {
    const denied = () => ({
      error: 'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired',
      text: 'Interactive authentication required.',
    })
    await withFake({ reply: willing({ StartTransientUnit: denied }) }, async (open) => {
      using manager = await open()
      await assert.rejects(
        manager.startScope('x.scope', []),
        codeOf('systemd-refused', /Interactive authentication required.*takes orders from root only/),
      )
    })
    await withFake({ reply: willing({}, 'failed') }, async (open, fake) => {
      using manager = await open()
      await assert.rejects(
        manager.startScope('x.scope', []),
        codeOf('systemd-refused', /job ended as "failed".*journalctl --user -u x\.scope/),
      )
      assert.equal(fake.calls.at(-1)?.member, 'ResetFailedUnit')
    })
  })

  it('is no reason to fail a stop when the unit is gone', async () => {
    const gone = () => ({ error: `${SYSTEMD}.NoSuchUnit` })
    await withFake({ reply: willing({ StopUnit: gone, ResetFailedUnit: gone }) }, async (open) => {
      using manager = await open()
      await manager.stop('x.scope')
    })
    await withFake({ reply: willing({ Get: () => property('ay', new Uint8Array([1, 255])) }) }, async (open, fake) => {
      using manager = await open()
      assert.equal(await manager.invocationOf('a-b.scope'), '01ff')
      assert.equal(fake.calls.at(-1)?.path, '/org/freedesktop/systemd1/unit/a_2db_2escope')
    })
  })
})

describe('a manager that does not', () => {
  it('cannot be reached: every address is named with what it said', async () => {
    const host = aHost({
      env: { XDG_RUNTIME_DIR: directory, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus;tcp:host=x' },
    })
    await assert.rejects(
      Manager.open(host, patient),
      codeOf(
        'systemd-unreachable',
        /\/nonexistent\/bus: .*ENOENT.*systemd\/private: .*ENOENT.*loginctl enable-linger alice/,
      ),
    )
    const away = aHost({ env: {}, uid: 3_999_999_999 as never })
    await assert.rejects(
      Manager.open(away, patient),
      codeOf('systemd-unreachable', /XDG_RUNTIME_DIR is not set: this is no login session/),
    )
    const root = realRoot({ env: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${directory}/none` } })
    const found = await Manager.open(root, patient).catch((error: unknown) => error)
    if (found instanceof Manager) found[Symbol.dispose]()
    else assert.ok(codeOf('systemd-unreachable', /systemctl is-system-running/)(found))
  })

  const introductions = [
    ['rejects', /does not believe that we are user 3999999999/],
    ['mute', /no answer within 0\.4 s/],
    ['chat', /does not speak D-Bus/],
  ] as const
  for (const [login, words] of introductions)
    it(`${login} at the door`, async () => {
      await withFake(
        { login, wait: login === 'mute' ? shortly : patient },
        async (open) => void (await assert.rejects(open(), codeOf('systemd-unreachable', words))),
      )
    })

  const troubles = [
    ['nothing', /no answer within 0\.4 s/],
    ['hang up', /closed by the other side|connection broke/],
    ['garbage', /not D-Bus/],
  ] as const
  for (const [reply, words] of troubles) {
    it(`${reply} in the middle of a call`, async () => {
      await withFake(
        { reply: willing({ StartTransientUnit: () => reply }), wait: reply === 'nothing' ? shortly : patient },
        async (open) => {
          using manager = await open()
          await assert.rejects(manager.startScope('x.scope', []), codeOf('systemd-silent', words))
        },
      )
    })
    it(`${reply} for the greeting of a bus`, async () => {
      await withFake(
        { reply: willing({ Hello: () => reply }), wait: reply === 'nothing' ? shortly : patient },
        async (open) => void (await assert.rejects(open(), codeOf('systemd-unreachable', words))),
      )
    })
  }

  it('talks of other things without an end', async () => {
    const chatter: NonNullable<FakeOptions['reply']> = ({ member }, { signal }) => {
      if (member !== 'Get') return {}
      for (let i = 0; i < 2000; i++) signal({ ...jobEnded('done'), body: [i, `${job}${i}`, 'other.scope', 'done'] })
      return 'nothing'
    }
    await withFake({ reply: chatter, wait: shortly }, async (open) => {
      using manager = await open()
      await assert.rejects(manager.facts(), codeOf('systemd-silent', /no answer/))
    })
  })
})
