import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { isTerminal, makeDirectories, replaceFile, writeAll } from '../../../src/base/files.ts'

const directory = mkdtempSync(join(tmpdir(), 'usnea-files-'))
after(() => rmSync(directory, { recursive: true }))

describe('replaceFile', () => {
  it('puts the file there with exactly its bytes and its mode, and nothing beside it', () => {
    const place = join(directory, 'one')
    mkdirSync(place)
    const umask = process.umask(0o077)
    try {
      replaceFile(join(place, 'pid'), '4711')
      replaceFile(join(place, 'secret'), 'x', 0o600)
    } finally {
      process.umask(umask)
    }
    assert.equal(readFileSync(join(place, 'pid'), 'utf8'), '4711')
    assert.equal(statSync(join(place, 'pid')).mode & 0o777, 0o644)
    assert.equal(statSync(join(place, 'secret')).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(place).sort(), ['pid', 'secret'])
  })

  it('replaces a link, and does not write through it', () => {
    const target = join(directory, 'target')
    writeFileSync(target, 'untouched')
    symlinkSync(target, join(directory, 'link'))
    replaceFile(join(directory, 'link'), 'new')
    assert.equal(readFileSync(target, 'utf8'), 'untouched')
    assert.equal(readFileSync(join(directory, 'link'), 'utf8'), 'new')
  })

  it('leaves nothing behind when it fails', () => {
    const place = join(directory, 'two')
    mkdirSync(join(place, 'taken'), { recursive: true })
    assert.throws(() => replaceFile(join(place, 'taken'), 'x'), { code: 'EISDIR' })
    assert.deepEqual(readdirSync(place), ['taken'])
    assert.throws(() => replaceFile(join(place, 'no/such'), 'x'), { code: 'ENOENT' })
  })
})

describe('writeAll', () => {
  it('writes everything, more than a pipe holds, though the other end is slow and non-blocking', async () => {
    const script = `import { writeAll } from './src/base/files.ts'; writeAll(1, 'x'.repeat(400_000)); process.exit(3)`
    // A pipe of our own spawn is non-blocking at both ends: writing into a full one answers EAGAIN.
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    let length = 0
    child.stdout.on('data', (bytes: Buffer) => (length += bytes.length))
    const [[status]] = await Promise.all([once(child, 'exit'), once(child.stdout, 'end')])
    assert.deepEqual({ status, length }, { status: 3, length: 400_000 })
  })

  it('throws what the system says', () => {
    const fd = openSync('/dev/full', 'w')
    try {
      assert.throws(() => writeAll(fd, 'x'), { code: 'ENOSPC' })
    } finally {
      closeSync(fd)
    }
  })
})

it('neither a file, nor /dev/null, nor a closed descriptor is a terminal', () => {
  for (const path of ['package.json', '/dev/null']) {
    const fd = openSync(path, 'r')
    assert.equal(isTerminal(fd), false)
    closeSync(fd)
  }
  assert.equal(isTerminal(9999), false)
})

describe('makeDirectories', () => {
  it('makes what is missing, and says whether the last one was', () => {
    const place = join(directory, 'deep')
    assert.equal(makeDirectories(join(place, 'a', 'b'), 0o700), true)
    assert.equal(makeDirectories(join(place, 'a', 'b'), 0o700), false)
    assert.equal(statSync(join(place, 'a')).mode & 0o777, 0o700)
    writeFileSync(join(place, 'file'), '')
    assert.throws(() => makeDirectories(join(place, 'file'), 0o700), { code: 'EEXIST' })
    assert.throws(() => makeDirectories(join(place, 'file', 'c'), 0o700), { code: 'ENOTDIR' })
  })

  it('comes to an end where no directory can be made', () => {
    assert.throws(() => makeDirectories('/proc/nowhere/a', 0o700), { code: 'ENOENT' })
    assert.throws(() => makeDirectories('/proc/self/a/b', 0o700), { code: 'ENOENT' })
  })
})
