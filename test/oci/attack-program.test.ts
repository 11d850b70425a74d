// Needs a static busybox and gcc: a container cannot overwrite or read the program that makes it.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { installed, nativeParts, runtimePath } from '../fixtures/install.ts'
import { type Bundle, succeeded, type World } from '../fixtures/world.ts'

/** Every file of ours that could be a process's program. */
async function fingerprints(): Promise<string> {
  const folder = await installed()
  const native = nativeParts.map((name) => join(folder, name))
  const names = [await runtimePath(), process.execPath, ...native]
  return names
    .map((name) => `${name} ${statSync(name).mode} ${createHash('sha256').update(readFileSync(name)).digest('hex')}`)
    .join('\n')
}

/**
 * A program that tries to write to the program of every process it can see, for as long as it may, and tells whether
 * one of them was not a file of the container. It is static, because in place of a loader it may be run itself.
 */
const overwriter = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 2000;
  char path[64], link[256];
  for (int round = 0; round < rounds; round++) {
    for (int pid = 1; pid < 64; pid++) {
      snprintf(path, sizeof path, "/proc/%d/exe", pid);
      ssize_t n = readlink(path, link, sizeof link - 1);
      if (n < 0) continue;
      link[n] = 0;
      int held = open(path, O_PATH | O_CLOEXEC);
      int fd = open(path, O_WRONLY | O_CLOEXEC);
      if (fd < 0 && held >= 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", held);
        fd = open(path, O_WRONLY | O_CLOEXEC);
      }
      if (fd >= 0) {
        if (write(fd, "#!", 2) == 2) printf("wrote to %s\\n", link);
        close(fd);
      }
      if (held >= 0) close(held);
    }
  }
  puts("tried");
  return 0;
}
`

async function bundleWithOverwriter(world: World, args: string[]): Promise<Bundle> {
  const bundle = await world.bundle((config) => {
    config.process.args = args
    config.linux.maskedPaths = []
    config.linux.readonlyPaths = []
  })
  const source = world.file('overwriter.c', overwriter)
  const program = join(bundle.rootfs, 'bin/overwriter')
  execFileSync('gcc', ['-static', '-O1', '-o', program, source])
  chmodSync(program, 0o755)
  return bundle
}

const wanted = { needs: ['gcc'] as const }

testAs(wanted, 'a program that is /proc/self/exe itself runs nothing of the host', async (world) => {
  const before = await fingerprints()
  const bundle = await world.bundle((config) => {
    config.process.args = ['/proc/self/exe', '--version']
  })
  const outcome = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  assert.ok(!/usnea version|node/i.test(outcome.stdout), outcome.stdout)
  assert.equal(await fingerprints(), before)
})

testAs(wanted, 'an interpreter line with /proc/self/exe runs nothing of the host', async (world) => {
  const before = await fingerprints()
  const bundle = await bundleWithOverwriter(world, ['/bin/trick'])
  writeFileSync(join(bundle.rootfs, 'bin/trick'), '#!/proc/self/exe\n', { mode: 0o755 })
  const outcome = await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  assert.ok(!/usnea version|usage/i.test(outcome.stdout), outcome.stdout)
  assert.equal(await fingerprints(), before)
})

testAs(wanted, 'a program that is a link to /proc/self/exe runs nothing of the host', async (world) => {
  const before = await fingerprints()
  const bundle = await bundleWithOverwriter(world, ['/bin/trick'])
  symlinkSync('/proc/self/exe', join(bundle.rootfs, 'bin/trick'))
  await world.usnea(['run', '--bundle', bundle.path, world.newId()])
  assert.equal(await fingerprints(), before)
})

testAs(wanted, 'the program that the other tests attack with does run, and says so', async (world) => {
  const bundle = await bundleWithOverwriter(world, ['overwriter', '2'])
  const output = succeeded(await world.usnea(['run', '--bundle', bundle.path, world.newId()]))
  assert.match(output, /tried\n$/)
})

testAs(wanted, 'a program that waits for an exec cannot write to what enters the container', async (world) => {
  const before = await fingerprints()
  const bundle = await bundleWithOverwriter(world, [
    'sh',
    '-c',
    'overwriter 200000 & overwriter 200000 > /tmp/said; wait',
  ])
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  for (const args of [['true'], ['/proc/self/exe'], ['sh', '-c', 'exit 0'], ['/bin/trick']]) {
    writeFileSync(join(bundle.rootfs, 'bin/trick'), '#!/proc/self/exe\n', { mode: 0o755 })
    for (let round = 0; round < 5; round++) await world.usnea(['exec', id, ...args])
  }
  succeeded(await world.usnea(['delete', '--force', id]))
  assert.equal(await fingerprints(), before)
  const said = readFileSync(join(bundle.rootfs, 'tmp/said'), 'utf8')
  assert.doesNotMatch(said, /wrote to .*(usnea|node|memfd)/)
})

testAs(wanted, 'a shared library of the image is not loaded by what enters the container', async (world) => {
  const bundle = await world.bundle((config) => {
    config.process.args = ['sleep', '1000']
    config.process.env.push(
      'LD_PRELOAD=/evil.so',
      'LD_LIBRARY_PATH=/',
      'NODE_OPTIONS=--require=/evil.js',
      'GCONV_PATH=/',
    )
  })
  const source = world.file(
    'evil.c',
    '#include <unistd.h>\n#include <fcntl.h>\n__attribute__((constructor)) static void run(void) { close(open("/tmp/loaded", O_CREAT | O_WRONLY, 0600)); }\n',
  )
  execFileSync('gcc', ['-shared', '-fPIC', '-o', join(bundle.rootfs, 'evil.so'), source])
  copyFileSync(join(bundle.rootfs, 'evil.so'), join(bundle.rootfs, 'libc.so.6'))
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  succeeded(await world.usnea(['exec', id, 'true']))
  assert.equal(succeeded(await world.usnea(['exec', id, 'sh', '-c', 'test -e /tmp/loaded || echo clean'])), 'clean\n')
  succeeded(await world.usnea(['delete', '--force', id]))
})

testAs(wanted, 'a container that was only created holds nothing of the host open', async (world) => {
  const bundle = await world.bundle()
  const id = world.newId()
  succeeded(await world.usnea(['create', '--bundle', bundle.path, id]))
  const { pid } = JSON.parse(succeeded(await world.usnea(['state', id])))
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`)
  for (const line of open)
    assert.doesNotMatch(line, /\/(bundle-\d+|dist|native)\b|\/node$| \/(proc)?$/, open.join('\n'))
  succeeded(await world.usnea(['delete', '--force', id]))
})
