// Needs a static busybox, and gcc for one: a delete that comes too late does not take a new container of the same id.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { native } from '../../src/kernel/native.ts'
import { testAs } from '../fixtures/cases.ts'
import { needs } from '../fixtures/needs.ts'
import { until } from '../fixtures/until.ts'
import { succeeded } from '../fixtures/world.ts'

/** flock(2) */
const LOCK_EX = 2

function holds(pid: number, file: string): boolean {
  const fds = `/proc/${pid}/fd`
  try {
    return readdirSync(fds).some((fd) => readlinkSync(join(fds, fd)) === file)
  } catch {
    return false // a descriptor that was closed while we looked
  }
}

for (const [way, quick] of [
  ['native/quick', undefined],
  ['Node alone', '0'],
] as const)
  testAs({}, `with ${way} a delete that waited for the lock of an old container leaves the new one`, async (world) => {
    const bundle = await world.bundle((config) => {
      config.process.args = ['sleep', '1000']
    })
    const [id, other] = [world.newId(), world.newId()]
    const [directory, aside] = [join(world.state, id), join(world.identity.home, `old-${id}`)]
    const env = { USNEA_QUICK: quick }
    for (const each of [id, other]) succeeded(await world.usnea(['create', '--bundle', bundle.path, each]))
    const lock = openSync(join(directory, 'lock'), 'r+')
    assert.equal(native().flock(lock, LOCK_EX), 0)
    const late = world.call(['delete', '--force', id], { env })
    await until('it waits for the lock', () => holds(late.pid, join(directory, 'lock')))
    renameSync(directory, aside)
    renameSync(join(world.state, other), directory)
    const before = readdirSync(directory).sort()
    closeSync(lock)
    const { status, stderr } = await late.ended
    assert.equal(status, 0, stderr) // with --force one that is gone is deleted
    assert.deepEqual(readdirSync(directory).sort(), before)
    renameSync(directory, join(world.state, other))
    renameSync(aside, directory)
    for (const each of [id, other]) {
      assert.equal(JSON.parse(succeeded(await world.usnea(['state', each]))).status, 'created')
      succeeded(await world.usnea(['delete', each], { env }))
    }
  })

/** Does what native/quick does for a delete, and swaps the directory when its third argument says. */
const driver = `
#include "quick.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (argc != 4 || chdir(argv[1]) < 0) return 2;
  struct container container = {.root = argv[1], .id = argv[2]};
  const char *when = argv[3];
  int opened = open_container(&container);
  if (strcmp(when, "before") == 0 && (rename(argv[2], "old") < 0 || rename("new", argv[2]) < 0)) return 3;
  int locked = opened == 1 && lock_container(&container);
  if (strcmp(when, "after") == 0 && (rename(argv[2], "old") < 0 || rename("new", argv[2]) < 0)) return 3;
  printf("%d %d %d", opened, locked, locked && remove_container(&container));
}`

test('native/quick neither locks nor removes what took the name of the container that it opened', {
  skip: needs('gcc'),
}, () => {
  const place = mkdtempSync(join(tmpdir(), 'usnea-same-id-'))
  const native = fileURLToPath(new URL('../../native/', import.meta.url))
  try {
    const program = join(place, 'driver')
    const parts = ['container', 'remove', 'place', 'shortcut', 'arguments'].map((name) =>
      join(native, `quick/${name}.c`),
    )
    const options = [`-I${join(native, 'quick')}`, '-o', program]
    const shared = ['process', 'remove'].map((name) => join(native, `lib/${name}.c`))
    execFileSync('gcc', [...options, ...parts, ...shared, '-x', 'c', '-'], { input: driver })
    const play = (when: string, files: readonly string[]) => {
      const root = mkdtempSync(join(place, 'root-'))
      for (const name of ['box', 'new']) mkdirSync(join(root, name))
      for (const name of files) writeFileSync(join(root, 'box', name), '')
      writeFileSync(join(root, 'new/lock'), '')
      const said = execFileSync(program, [root, 'box', when], { encoding: 'utf8' })
      return [said, ...readdirSync(root).sort(), existsSync(join(root, 'old/lock'))]
    }
    assert.deepEqual(play('never', ['lock']), ['1 1 1', 'new', false])
    assert.deepEqual(play('before', ['lock']), ['1 0 0', 'box', 'old', true])
    assert.deepEqual(play('after', ['lock']), ['1 1 0', 'box', 'old', true])
    // another delete has come as far as to take the lock away
    assert.deepEqual(play('before', []), ['1 0 0', 'box', 'old', false])
    assert.deepEqual(play('never', []), ['1 0 0', 'box', 'new', false])
  } finally {
    rmSync(place, { recursive: true })
  }
})
