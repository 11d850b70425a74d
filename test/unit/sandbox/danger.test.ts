import assert from 'node:assert/strict'
import { test } from 'node:test'
import { safe } from '../../../src/cli/print/changes.ts'
import { dangerOfPath } from '../../../src/sandbox/danger.ts'

test('what runs later is known anywhere in a tree, in any case, with what lies in it', () => {
  for (const path of [
    '/p/.git/hooks/pre-commit',
    '/p/.git/config',
    '/p/.git/modules/sub/hooks/x',
    '/p/.GIT/HOOKS/x',
    '/p/.git/hoo\u212as/x', // the Kelvin sign folds to k
    '/home/u/.bashrc',
    '/home/u/.config/fish/config.fish',
    '/p/.vscode/tasks.json',
    '/p/deep/.github/workflows/ci.yml',
    '/p/.usnea.toml',
    '/home/u/.ssh/authorized_keys',
  ])
    assert.notEqual(dangerOfPath(path), undefined, path)
  for (const path of [
    '/p/.gitignore',
    '/p/git/hooks',
    '/p/src/config',
    '/p/.bashrc.md',
    '/p/my.vscode/x',
    '/p/.github/README.md',
  ])
    assert.equal(dangerOfPath(path), undefined, path)
})

test('the root of a danger is the path that must be named', () => {
  assert.equal(dangerOfPath('/p/.git/hooks/a/b')?.root, '/p/.git/hooks')
  assert.equal(dangerOfPath('/p/İ/.Bashrc')?.root, '/p/İ/.Bashrc')
})

test('what is printed has no character that a terminal obeys', () => {
  assert.equal(safe('a\x1b[2Jb\nc\u202ed\\'), 'a\\x1b[2Jb\\x0ac\\u{202e}d\\\\')
  assert.equal(safe('\udcff\u{e0001}'), '\\xff\\u{e0001}')
})
