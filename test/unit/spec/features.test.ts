import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { features, renderFeatures } from '../../../src/spec/features.ts'

const facts = { version: '0.1.0', mountOptions: ['bind', 'rro'], kernel: { major: 6, minor: 8 } }

describe('features', () => {
  it('has the members that callers read', () => {
    const { ociVersionMin, ociVersionMax, hooks, linux, mountOptions } = features(facts)
    assert.deepEqual([ociVersionMin, ociVersionMax], ['1.0.0', '1.3.0'])
    assert.deepEqual(hooks, ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'])
    assert.equal(linux.namespaces.length, 8)
    assert.equal(linux.capabilities.length, 41)
    assert.deepEqual(mountOptions, facts.mountOptions)
  })

  it('calls only those flags of a filter supported that the kernel knows', () => {
    const flags = (major: number, minor: number) => features({ ...facts, kernel: { major, minor } }).linux.seccomp
    assert.equal(flags(5, 18).knownFlags.length, 4)
    assert.equal(flags(5, 18).supportedFlags.length, 3)
    assert.equal(flags(5, 19).supportedFlags.length, 4)
    assert.equal(flags(6, 1).supportedFlags.length, 4)
  })

  it('names the commit only when it is known, in our own annotation names', () => {
    const names = Object.keys(features(facts).annotations)
    assert.deepEqual(
      names.filter((name) => name.startsWith('dev.usnea.')),
      ['dev.usnea.version', 'dev.usnea.checkpoint.enabled'],
    )
    assert.equal(features({ ...facts, commit: 'abc' }).annotations['dev.usnea.commit'], 'abc')
  })

  it('has of the names of runc only what is true of us', () => {
    const { annotations, potentiallyUnsafeConfigAnnotations } = features(facts)
    const theirs = Object.entries(annotations).filter(([name]) => name.includes('runc'))
    assert.deepEqual(theirs, [['org.opencontainers.runc.checkpoint.enabled', 'true']])
    assert.deepEqual(potentiallyUnsafeConfigAnnotations, [
      'org.criu.config',
      'org.systemd.property.',
      'org.usnea.enforce',
      'run.oci.keep_original_groups',
    ])
  })

  it('is printed with four spaces and a newline', () => {
    const text = renderFeatures(facts)
    assert.match(text, /^\{\n {4}"ociVersionMin"/)
    assert.ok(text.endsWith('}\n'))
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(features(facts))))
  })
})
