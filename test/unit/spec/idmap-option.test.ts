import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseIdmapOption, withOptionMappings } from '../../../src/spec/idmap-option.ts'
import { validate } from '../../../src/spec/validate.ts'

const line = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size })
const linux = { uidMappings: [line(0, 0, 1), line(1, 2, 1000)], gidMappings: [line(0, 100, 10)] }

describe('the option idmap with mappings', () => {
  it('has them as triplets', () => {
    assert.deepEqual(parseIdmapOption('idmap=uids=0-1-10#10-11-10;gids=0-100-10'), {
      uidMappings: [line(0, 1, 10), line(10, 11, 10)],
      gidMappings: [line(0, 100, 10)],
    })
  })

  it('counts from the container behind an @, triplet by triplet', () => {
    assert.deepEqual(parseIdmapOption('ridmap=uids=@1-3-10#50-60-1;gids=@0-5-5', linux), {
      uidMappings: [line(1, 4, 10), line(50, 60, 1)],
      gidMappings: [line(0, 105, 5)],
    })
  })

  for (const [option, words] of [
    ['idmap=uids=0-1-10', 'an id-mapped mount needs both uids= and gids='],
    ['idmap=uids=0-1;gids=0-1-1', '"0-1" is no mapping ID-ID-SIZE'],
    ['idmap=uids=0-1-0;gids=0-1-1', '"0-1-0" is no mapping ID-ID-SIZE'],
    ['idmap=uids=0-1--1;gids=0-1-1', '"0-1--1" is no mapping ID-ID-SIZE'],
    ['idmap=uids=0-4294967295-1;gids=0-1-1', '"0-4294967295-1" is no mapping ID-ID-SIZE'],
    ['idmap=uids=;gids=0-1-1', '"" is no mapping ID-ID-SIZE'],
    ['idmap=pids=0-1-1', '"pids=0-1-1" is neither uids= nor gids='],
    ['idmap=uids=0-1-1;uids=0-1-1', 'uids= is there twice'],
    ['idmap=uids=@0-0-2;gids=0-1-1', 'the ids of "@0-0-2" are in no single mapping of the container'],
  ] as const)
    it(`is refused as ${option}`, () => assert.equal(parseIdmapOption(option, linux), words))

  it('becomes what the specification has, and is refused beside it', () => {
    const mount = { destination: '/m', source: '/s', options: ['bind', 'idmap=uids=0-1-1;gids=0-2-1', 'ro'] }
    const spec = { ociVersion: '1.2.0', root: { path: 'r' }, mounts: [mount] }
    assert.deepEqual(withOptionMappings(spec).mounts, [
      { ...mount, options: ['bind', 'idmap', 'ro'], uidMappings: [line(0, 1, 1)], gidMappings: [line(0, 2, 1)] },
    ])
    const both = { ...spec, mounts: [{ ...mount, uidMappings: [line(0, 1, 1)], gidMappings: [line(0, 1, 1)] }] }
    const pointers = (config: object) =>
      validate(config).flatMap((issue) => (issue.severity === 'error' ? [issue.pointer] : []))
    assert.deepEqual(pointers(both), ['/mounts/0/options/1'])
    assert.deepEqual(pointers({ ...spec, mounts: [{ ...mount, type: 'tmpfs', options: mount.options.slice(1) }] }), [
      '/mounts/0',
    ])
    assert.deepEqual(pointers(spec), [])
  })
})
