// Names of runtimes and shims: the table of containerd's derivation, and what may be named without being configured.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isPermissibleShim, pathPart, shimBinary, whyNotRuntimeName } from '../../../src/runtimes/names.ts'

const table: [name: string, binary: string | undefined, isPermissible: boolean][] = [
  ['io.containerd.runc.v2', 'containerd-shim-runc-v2', true],
  ['io.containerd.kata.v2', 'containerd-shim-kata-v2', true],
  ['io.containerd.my-shim.v42', 'containerd-shim-my-shim-v42', true],
  ['io.containerd.my-shim', 'containerd-shim-containerd-my-shim', true],
  ['a.b', 'containerd-shim-a-b', true],
  // "containerd-shim-", nothing, "-", nothing.
  ['a..', 'containerd-shim--', true],
  ['.foo', undefined, false],
  ['runc2', undefined, false],
  ['', undefined, false],
  ['/usr/bin/kata', undefined, false],
  ['./x.y', undefined, false],
  ['a/b.c', 'containerd-shim-a/b-c', false],
  ['/usr/bin/kata.v2', 'containerd-shim-/usr/bin/kata-v2', false],
  ['io.containerd.a\nb.v2', 'containerd-shim-a\nb-v2', false],
  ['io.containerd.a\0.v2', 'containerd-shim-a\0-v2', false],
  [`${'a'.repeat(200)}.v2`, `containerd-shim-${'a'.repeat(200)}-v2`, false],
]

for (const [name, binary, isPermissible] of table) {
  test(`${JSON.stringify(name)} is ${isPermissible ? 'permissible' : 'not permissible'}, its binary ${binary}`, () => {
    assert.equal(isPermissibleShim(name), isPermissible)
    if (isPermissible || !name.includes('/')) assert.equal(shimBinary(name), binary)
  })
}

test('what is permissible gives the name of a program, never a path', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab.-/\0\n\u202e ') }), (name) => {
      if (isPermissibleShim(name)) assert.doesNotMatch(shimBinary(name) ?? '/', /[/\0\n\u202e]/)
    }),
  )
})

test('a configured runtime may have nearly any name, but not ours', () => {
  for (const name of ['my/custom.shim.v1', 'runc', 'a b', '..', 'Crun', 'ü'])
    assert.equal(whyNotRuntimeName(name), undefined)
  assert.equal(whyNotRuntimeName('usnea'), "runtime name 'usnea' is reserved")
  assert.equal(whyNotRuntimeName('io.containerd.usnea.v2'), "runtime name 'io.containerd.usnea.v2' is reserved")
  for (const name of ['', 'a\u001b[2J', 'a\u202eb', 'x'.repeat(129)]) assert.ok(whyNotRuntimeName(name))
})

test('[F] 2.5 a name with a slash is one part of a path, and no two names are the same part', () => {
  const name = fc.string({ unit: fc.constantFrom(...'aA./%2F_ü'), minLength: 1 })
  fc.assert(
    fc.property(name, name, (one, other) => {
      assert.match(pathPart(one), /^[A-Za-z0-9_%-][A-Za-z0-9_.%-]*$/)
      assert.equal(pathPart(one) === pathPart(other), one === other)
    }),
  )
})
