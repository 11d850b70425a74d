// Needs a static busybox and python3: images and containers that put something else where a terminal is looked for.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import type { Config } from '../fixtures/config.ts'
import { sharedByRun } from '../fixtures/run-directory.ts'
import { listenForTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'
import type { User } from '../fixtures/users.ts'
import { placeVictim, type Victim } from '../fixtures/victim.ts'
import { refused, succeeded, type World } from '../fixtures/world.ts'

let sockets = 0
const socketOf = ({ identity }: World) => join(identity.home, `attack-${++sockets}.sock`)

/** The image's own /dev, with a devpts in it or without. */
const without =
  (...destinations: string[]) =>
  (config: Config) => {
    config.mounts = config.mounts.filter(({ destination }) => !destinations.includes(destination))
  }

interface Attack {
  /** Makes the trap in the image's dev, which is there and empty. */
  readonly lay: (dev: string, victim: Victim, user: User) => void
  readonly patch: (config: Config) => void
  readonly words: RegExp
}

const devices = ['/dev', '/dev/shm', '/dev/mqueue']
const noDevpts = without(...devices, '/dev/pts')
const noTmpfs = without(...devices)

const attacks: Record<string, Attack> = {
  'a link at /dev/pts to a directory with a false ptmx': {
    lay: (dev, { path }) => {
      mkdirSync(join(dev, '../false'))
      writeFileSync(join(dev, '../false/ptmx'), '')
      symlinkSync('../false', join(dev, 'pts'))
      symlinkSync(path, join(dev, 'elsewhere'))
    },
    patch: noDevpts,
    words: /cannot open a terminal in the container .*\/dev\/pts of the container is a symbolic link/,
  },
  'a link at /dev/pts to the terminals of the host': {
    lay: (dev) => symlinkSync('/proc/1/root/dev/pts', join(dev, 'pts')),
    patch: noDevpts,
    words: /cannot open a terminal in the container .*is a symbolic link/,
  },
  'a directory at /dev/pts with a file as ptmx': {
    lay: (dev) => {
      mkdirSync(join(dev, 'pts'))
      writeFileSync(join(dev, 'pts/ptmx'), '')
    },
    patch: noDevpts,
    words: /cannot open a terminal in the container .*\/dev\/pts of the container is no devpts/,
  },
  'a link at /dev, with a devpts where it leads': {
    lay: (dev, _victim, user) => {
      rmSync(dev, { recursive: true })
      makeDirectory(join(dev, '../other'), 0o755, user)
      symlinkSync('other', dev)
    },
    patch: noTmpfs,
    words: /cannot open a terminal in the container .*is a symbolic link/,
  },
  'a link at /dev/console to a file of the host': {
    lay: (dev, { secret }) => symlinkSync(secret, join(dev, 'console')),
    patch: noTmpfs,
    words: /cannot put the terminal on \/dev\/console .*is a symbolic link/,
  },
  'a link at /dev/console to a file of the image': {
    lay: (dev) => symlinkSync('../etc/passwd', join(dev, 'console')),
    patch: noTmpfs,
    words: /cannot put the terminal on \/dev\/console .*is a symbolic link/,
  },
  'a link at /dev/console that would let /proc be covered': {
    lay: (dev) => symlinkSync('/proc/sysrq-trigger', join(dev, 'console')),
    patch: noTmpfs,
    words: /cannot put the terminal on \/dev\/console .*is a symbolic link/,
  },
  'a dangling link at /dev/console': {
    lay: (dev, { path }) => symlinkSync(join(path, 'empty/new'), join(dev, 'console')),
    patch: noTmpfs,
    words: /cannot put the terminal on \/dev\/console .*is a symbolic link/,
  },
  'a directory at /dev/console': {
    lay: (dev) => mkdirSync(join(dev, 'console')),
    patch: noTmpfs,
    words: /cannot put the terminal on \/dev\/console .*is a directory/,
  },
}

for (const [title, { lay, patch, words }] of Object.entries(attacks))
  testAs({ needs: ['python3'] }, `${title} is refused, nothing is sent and nothing outside changes`, async (world) => {
    const [victim, socket] = [placeVictim(world), socketOf(world)]
    const bundle = await world.bundle((config) => {
      Object.assign(config.process, { terminal: true, args: ['sleep', '1000'] })
      patch(config)
    })
    const dev = join(bundle.rootfs, 'dev')
    succeeded(await world.run(['sh', '-c', `rm -rf "$0" && mkdir "$0"`, dev]))
    lay(dev, victim, world.identity.user)
    await using terminal = await listenForTerminal(socket)
    refused(await world.usnea(['create', '--console-socket', socket, '--bundle', bundle.path, world.newId()]), words)
    assert.equal((await terminal.message()).data, '')
    victim.assertUntouched()
  })

testAs({ needs: ['python3'] }, 'what the image has as /dev/ptmx plays no part', async (world) => {
  const [victim, socket, id] = [placeVictim(world), socketOf(world), world.newId()]
  const bundle = await world.bundle((config) => {
    Object.assign(config.process, { terminal: true, args: ['sh', '-c', 'tty; read line'] })
    noTmpfs(config)
  })
  succeeded(
    await world.run(['sh', '-c', 'mkdir -p "$0" && ln -s "$1" "$0/ptmx"', join(bundle.rootfs, 'dev'), victim.secret]),
  )
  await using terminal = await listenForTerminal(socket)
  succeeded(await world.usnea(['run', '--detach', '--console-socket', socket, '--bundle', bundle.path, id]))
  assert.match((await terminal.message()).fds[0] ?? '', /^\/(dev\/)?(pts\/)?ptmx$/)
  await terminal.shows('/dev/pts/0\r\n')
  terminal.write('\n')
  await until('the terminal hung up', () => terminal.hangup())
  succeeded(await world.usnea(['delete', '--force', id]))
  victim.assertUntouched()
})

/** What the root of a running container can do to it before somebody calls exec. */
const preparations: Record<string, { script: string; words: RegExp | undefined }> = {
  'a fifo mounted over /dev/pts/ptmx': {
    script: 'mkfifo /tmp/fifo && mount -o bind /tmp/fifo /dev/pts/ptmx',
    words: /something is mounted over \/dev\/pts\/ptmx/,
  },
  'another device mounted over /dev/pts/ptmx': {
    script: 'mount -o bind /dev/zero /dev/pts/ptmx',
    words: /something is mounted over \/dev\/pts\/ptmx/,
  },
  'a tmpfs with a fifo mounted over /dev/pts': {
    script: 'mount -t tmpfs tmpfs /dev/pts && mkfifo /dev/pts/ptmx',
    words: /\/dev\/pts of the container is no devpts/,
  },
  'a link at /dev/pts to a devpts elsewhere': {
    script: 'mkdir /tmp/pts && mount --move /dev/pts /tmp/pts && rmdir /dev/pts && ln -s /tmp/pts /dev/pts',
    words: /\/dev\/pts of the container is a symbolic link/,
  },
  'a /proc full of links of its own': {
    script:
      'mkdir -p /tmp/p/self/fd && for n in 0 1 2 3 4 5 6 7 8 9; do ln -s /etc/passwd /tmp/p/self/fd/$n; done; mount -o bind /tmp/p /proc',
    words: undefined,
  },
}

for (const [title, { script, words }] of Object.entries(preparations))
  testAs({ needs: ['python3'] }, `exec into a container with ${title}`, async (world) => {
    const [socket, id] = [socketOf(world), world.newId()]
    const bundle = await world.bundle((config) => {
      config.process.args = ['sh', '-c', `${script} && touch /ready; exec sleep 1000`]
      for (const set of ['bounding', 'effective', 'permitted'] as const)
        config.process.capabilities?.[set].push('CAP_SYS_ADMIN')
    })
    succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
    await until('the trap is laid', async () => (await world.usnea(['exec', id, 'test', '-e', '/ready'])).status === 0)
    await using terminal = await listenForTerminal(socket)
    const call = await world.usnea(['exec', '--detach', '--tty', '--console-socket', socket, id, 'echo', 'reached'])
    if (words !== undefined) {
      refused(call, words, 255)
      assert.equal((await terminal.message()).data, '')
    } else {
      succeeded(call)
      await terminal.shows('reached\r\n')
      await until('the terminal hung up', () => terminal.hangup())
    }
    succeeded(await world.usnea(['delete', '--force', id]))
  })

/** Opens the terminal again in the moment in which it was hung up, and goes on writing, with pauses of milliseconds. */
const clinging = `
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) {
  int pause = atoi(argv[1]);
  for (int i = 0; i < 3; i++) if (fork() == 0) break;
  for (;;) {
    struct pollfd fd = {open("/dev/pts/0", O_WRONLY | O_NOCTTY), 0, 0};
    while (fd.fd >= 0 && write(fd.fd, "drop\\n", 5) > 0 && poll(&fd, 1, pause) == 0) continue;
    if (fd.fd >= 0) close(fd.fd);
  }
}`

for (const [pause, name] of [
  [0, 'ranges'],
  [50, 'root'],
] as const)
  testAs(
    { as: [name], needs: ['gcc'] },
    `a writer with pauses of ${pause} ms does not keep a terminal whose program has ended`,
    async (world) => {
      const id = world.newId()
      const bundle = await world.bundle((config) => {
        config.process.args = ['clinging', String(pause)]
      })
      const program = await sharedByRun('clinging', (path) =>
        execFileSync('gcc', ['-static', '-O1', '-x', 'c', '-o', path, '-'], { input: clinging }),
      )
      copyFileSync(program, join(bundle.rootfs, 'bin/clinging'))
      succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
      const outcome = await world.usnea(['exec', '--tty', id, 'sh', '-c', 'echo last words; exit 7'], {
        timeout: 10_000,
      })
      assert.equal(outcome.status, 7)
      assert.match(outcome.stdout, /last words/)
      succeeded(await world.usnea(['delete', '--force', id]))
    },
  )
