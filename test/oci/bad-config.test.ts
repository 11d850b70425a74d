// Needs a static busybox; a config.json that cannot work is refused with one line, and nothing is left.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { refused } from '../fixtures/world.ts'

/** For changes that the type of a good configuration forbids. */
type Loose = Record<string, unknown> & {
  process: Record<string, unknown>
  root: Record<string, unknown>
  linux: Record<string, unknown>
}
type Change = (config: Loose) => void

const overlap = (field: 'containerID' | 'hostID') => [
  { containerID: 0, hostID: 10_000, size: 10 },
  { containerID: field === 'containerID' ? 9 : 20, hostID: field === 'hostID' ? 10_009 : 20_000, size: 10 },
]

const mapped =
  (uidMappings: unknown, gidMappings: unknown = uidMappings): Change =>
  (config) => {
    const { namespaces } = config.linux as Config['linux']
    if (!namespaces.some(({ type }) => type === 'user')) namespaces.push({ type: 'user' })
    Object.assign(config.linux, { uidMappings, gidMappings: gidMappings ?? undefined })
  }

const changes: Record<string, readonly [Change, RegExp]> = {
  'a missing version': [(c) => delete c.ociVersion, /ociVersion/],
  'a version of another major number': [(c) => Object.assign(c, { ociVersion: '2.0.0' }), /ociVersion|version/],
  'a version that is none': [(c) => Object.assign(c, { ociVersion: 'new' }), /ociVersion|version/],
  'no args': [(c) => delete c.process.args, /args/],
  'empty args': [(c) => Object.assign(c.process, { args: [] }), /args/],
  'args that are no list': [(c) => Object.assign(c.process, { args: 'sh' }), /\/process\/args/],
  'a zero byte in an argument': [(c) => Object.assign(c.process, { args: ['sh', 'a\0b'] }), /\/process\/args\/1/],
  'no cwd': [(c) => delete c.process.cwd, /cwd|Cwd/],
  'an empty cwd': [(c) => Object.assign(c.process, { cwd: '' }), /cwd|Cwd/],
  'a relative cwd': [(c) => Object.assign(c.process, { cwd: 'tmp' }), /cwd|Cwd/],
  'no root': [(c) => delete (c as Record<string, unknown>).root, /root/],
  'an empty root path': [(c) => Object.assign(c.root, { path: '' }), /root/],
  'a field twice, in another case': [
    (c) => Object.assign(c.process, { noNewPrivileges: true, NoNewPrivileges: false }),
    /\/process\/noNewPrivileges: is there twice, with different values/,
  ],
  'an unknown namespace': [
    (c) => Object.assign(c.linux, { namespaces: [{ type: 'mount' }, { type: 'pidd' }] }),
    /\/linux\/namespaces\/1.*|pidd/,
  ],
  'a namespace twice': [(c) => (c.linux.namespaces as unknown[]).push({ type: 'pid' }), /duplicate|twice/],
  'an unknown rlimit': [
    (c) => Object.assign(c.process, { rlimits: [{ type: 'RLIMIT_PATIENCE', soft: 1, hard: 1 }] }),
    /RLIMIT_PATIENCE/,
  ],
  'an rlimit twice': [
    (c) =>
      Object.assign(c.process, { rlimits: [1, 2].map((n) => ({ type: 'RLIMIT_NOFILE', soft: n * 64, hard: n * 64 })) }),
    /RLIMIT_NOFILE|\/process\/rlimits\/1/,
  ],
  'a soft limit above the hard one': [
    (c) => Object.assign(c.process, { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 65, hard: 64 }] }),
    /\/process\/rlimits\/0/,
  ],
  'an unknown propagation': [
    (c) => Object.assign(c.linux, { rootfsPropagation: 'sideways' }),
    /rootfsPropagation|sideways/,
  ],
  'a negative uid': [(c) => Object.assign(c.process, { user: { uid: -1, gid: 0 } }), /\/process\/user/],
  'a uid of more than 32 bits': [
    (c) => Object.assign(c.process, { user: { uid: 2 ** 32, gid: 0 } }),
    /\/process\/user/,
  ],
  'id maps that overlap inside': [mapped(overlap('containerID')), /overlap/],
  'id maps that overlap outside': [mapped(overlap('hostID')), /overlap/],
  'an id map of size zero': [mapped([{ containerID: 0, hostID: 10_000, size: 0 }]), /\/linux\/uidMappings\/0/],
  'an id map that wraps around': [
    mapped([{ containerID: 0, hostID: 2 ** 32 - 5, size: 10 }]),
    /\/linux\/uidMappings\/0/,
  ],
  'uid maps without gid maps': [mapped([{ containerID: 0, hostID: 10_000, size: 10 }], null), /gidMappings/],
}

for (const [title, [change, words]] of Object.entries(changes)) {
  testAs({ as: ['ranges'] }, `a configuration with ${title} is refused`, async (world) => {
    const bundle = await world.bundle((config) => change(config as unknown as Loose))
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), words)
  })
}

const texts: Record<string, readonly [string, RegExp]> = {
  'that stops in the middle': [
    '{"ociVersion": "1.2.0",\n  "process": {',
    /config\.json is not valid JSON.*(line|position|column)/,
  ],
  'with a word that is no value': ['{\n  "ociVersion": oops\n}', /config\.json is not valid JSON.*(line 2|position)/],
  'that is empty': ['', /config\.json is not valid JSON/],
  'that is a list': ['[]', /config\.json/],
  'that is null': ['null', /config\.json/],
}

for (const [title, [text, words]] of Object.entries(texts)) {
  testAs({ as: ['ranges'] }, `a config.json ${title} is refused`, async (world) => {
    const bundle = await world.bundle(undefined, 'none')
    world.file(`${bundle.path.slice(world.identity.home.length)}/config.json`, text)
    refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), words)
  })
}

testAs({}, 'a bundle without config.json is refused', async (world) => {
  const bundle = await world.bundle()
  rmSync(join(bundle.path, 'config.json'))
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /config\.json not found/)
})

testAs({}, 'a bundle that does not exist is refused', async (world) => {
  refused(
    await world.usnea(['create', '--bundle', join(world.identity.home, 'nowhere'), world.newId()]),
    /the bundle .*cannot be opened/,
  )
})

testAs({}, 'run refuses a bad configuration as create does', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = []
  })
  refused(await world.usnea(['run', '--bundle', bundle.path, world.newId()]), /args/)
})

testAs({ as: ['root'] }, 'as root, maps of one kind without the other are refused', async (world) => {
  const bundle = await world.bundle((config) =>
    mapped([{ containerID: 0, hostID: 10_000, size: 10 }], null)(config as unknown as Loose),
  )
  refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /gidMappings/)
})

testAs({}, 'all findings of a configuration are told at once', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.cwd = 'tmp'
    config.linux.namespaces.push({ type: 'pid' })
  })
  const line = refused(await world.usnea(['create', '--bundle', bundle.path, world.newId()]), /cwd|Cwd/)
  refused({ status: 1, signal: null, stdout: '', stderr: line }, /duplicate|twice/)
})
