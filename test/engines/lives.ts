/** Lives of containers as podman leads them: in the foreground, on a terminal, detached, in pods. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { imageName, layerArchive } from '../fixtures/image.ts'
import type { Hands } from '../fixtures/podman.ts'
import type { Play } from '../fixtures/podman-plays.ts'
import { until } from '../fixtures/until.ts'

const none = ['--network', 'none']

/** Starts a detached container that says what it is sent, and waits until it listens. */
async function detached(hands: Hands, options: readonly string[] = []): Promise<string> {
  const name = hands.name('life')
  const script = 'trap "echo usr1" USR1; trap "echo term; exit 3" TERM; echo up; while :; do sleep 0.1; done'
  const placing = [...none, ...hands.podman.placing, ...options]
  await hands.done(['run', '--detach', '--name', name, ...placing, imageName, 'sh', '-c', script])
  await logged(hands, name, /^up$/m)
  return name
}

/** Not noted: how often it must be asked is chance. */
const logged = (hands: Hands, name: string, words: RegExp) =>
  until(`${name} logs ${words}`, async () => words.test((await hands.unnoted(['logs', name])).stdout))

const stateOf = (hands: Hands, name: string) =>
  hands.done(['inspect', '--format', '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}', name])

const foreground: Play = {
  title: 'a foreground container keeps its streams apart and hands on its status',
  by: async (hands) => {
    const outcome = await hands.run([], 'sh', '-c', 'echo out; echo err >&2; exit 7')
    assert.deepEqual([outcome.status, outcome.stdout, outcome.stderr], [7, 'out\n', 'err\n'])
    const fed = await hands.call(['run', '--rm', '-i', ...none, ...hands.podman.placing, imageName, 'cat'], {
      input: 'from outside\n',
    })
    assert.deepEqual([fed.status, fed.stdout], [0, 'from outside\n'])
  },
}

/** podman sets the size when the program may be running already, also with other runtimes. */
const untilSize = (size: string) => `while [ "$(stty size 2>/dev/null)" != "${size}" ]; do sleep 0.1; done; stty size`

const terminal: Play = {
  title: 'a foreground container has a terminal of the right size, and takes keys',
  by: async (hands) => {
    const script = `tty; ${untilSize('33 101')}; ls -l /dev/console | cut -c1; read line; echo "got $line"; trap "exit 4" INT; sleep 60 & wait`
    const args = ['run', '--rm', '-it', ...none, ...hands.podman.placing, imageName, 'sh', '-c', script]
    const status = await hands.onTerminal(
      args,
      async (screen) => {
        await screen.shows(/33 101\r\nc\r\n/)
        screen.write('words\n')
        await screen.shows('got words')
        screen.write('\x03')
      },
      { rows: 33, columns: 101 },
    )
    assert.equal(status, 4)
  },
}

const entered: Play = {
  title: 'a detached container is entered: streams, status, user, directory, environment, terminal',
  by: async (hands) => {
    const name = await detached(hands)
    const streams = await hands.call(['exec', name, 'sh', '-c', 'echo out; echo err >&2; exit 9'])
    assert.deepEqual([streams.status, streams.stdout, streams.stderr], [9, 'out\n', 'err\n'])
    assert.equal(await hands.done(['exec', '-i', name, 'cat'], { input: 'typed' }), 'typed')
    const options = ['--user', '1000:8', '--workdir', '/var', '--env', 'EXTRA=yes']
    const seen = await hands.done([
      'exec',
      ...options,
      name,
      'sh',
      '-c',
      'id; pwd; echo $EXTRA; grep Cap /proc/self/status',
    ])
    assert.match(seen, /^uid=1000\(user\) gid=8\(mail\).*\n\/var\nyes\n/)
    await hands.done(['exec', '--privileged', name, 'grep', 'Cap', '/proc/self/status'])
    await hands.done(['exec', '--detach', name, 'sh', '-c', 'echo made > /tmp/by-exec'])
    await until(
      'the detached exec wrote',
      async () => (await hands.unnoted(['exec', name, 'cat', '/tmp/by-exec'])).stdout === 'made\n',
    )
    const status = await hands.onTerminal(
      ['exec', '-it', name, 'sh', '-c', `${untilSize('24 80')}; read line; echo "got $line"; exit 5`],
      async (screen) => {
        await screen.shows('24 80')
        screen.write('words\n')
      },
    )
    assert.equal(status, 5)
    await hands.done(['rm', '--force', '--time', '0', name])
  },
}

const ended: Play = {
  title: 'a detached container is listed, signalled, stopped, restarted, killed and removed',
  by: async (hands) => {
    const name = await detached(hands)
    await hands.done(['ps', '--filter', `name=${name}`, '--format', '{{.Names}} {{.Image}} {{.ExitCode}}'])
    // Not noted: a child of the shell comes and goes.
    assert.match((await hands.unnoted(['top', name, 'user', 'args'])).stdout, /^root +sh -c trap/m)
    await hands.done(['kill', '--signal', 'USR1', name])
    await logged(hands, name, /^usr1$/m)
    await hands.done(['stop', '--time', '10', name])
    assert.equal(await stateOf(hands, name), 'exited 3 false\n')
    await hands.done(['restart', '--time', '10', name])
    await logged(hands, name, /^up\nusr1\nterm\nup$/m)
    assert.equal(await stateOf(hands, name), 'running 0 false\n')
    assert.notEqual((await hands.call(['rm', name])).status, 0)
    await hands.done(['kill', name])
    assert.equal(await hands.done(['wait', name]), '137\n')
    assert.equal(await stateOf(hands, name), 'exited 137 false\n')
    await hands.done(['logs', name])
    await hands.done(['start', name])
    await hands.done(['rm', '--force', '--time', '0', name])
    assert.equal((await hands.call(['container', 'exists', name])).status, 1)
  },
}

const attached: Play = {
  title: 'attach joins a running container and leaves with its status',
  by: async (hands) => {
    const name = hands.name('attached')
    const program = ['sh', '-c', 'read line; echo "got $line"; exit 6']
    await hands.done(['create', '-i', '--name', name, ...none, ...hands.podman.placing, imageName, ...program])
    const outcome = await hands.call(['start', '--attach', '--interactive', name], { input: 'words\n' })
    assert.deepEqual([outcome.status, outcome.stdout], [6, 'got words\n'])
    await hands.done(['rm', name])
  },
}

const healthy: Play = {
  title: 'a health check runs inside',
  by: async (hands) => {
    const check = ['--health-cmd', 'test -e /tmp/well', '--health-interval', 'disable', '--health-retries', '1']
    const name = await detached(hands, check)
    assert.equal((await hands.call(['healthcheck', 'run', name])).status, 1)
    await hands.done(['exec', name, 'touch', '/tmp/well'])
    assert.equal((await hands.call(['healthcheck', 'run', name])).status, 0)
    await hands.done(['inspect', '--format', '{{.State.Health.Status}}', name])
    await hands.done(['rm', '--force', '--time', '0', name])
  },
}

const copied: Play = {
  title: 'files are copied into a running container and out of it',
  by: async (hands) => {
    const name = await detached(hands)
    const { world } = hands.podman
    const file = world.file(`${name}-in`, 'carried\n')
    await hands.call(['cp', file, `${name}:/tmp/carried`])
    assert.equal(await hands.done(['exec', name, 'cat', '/tmp/carried']), 'carried\n')
    assert.equal(await hands.done(['cp', `${name}:/data/kept`, join(world.identity.home, `${name}-out`)]), '')
    await hands.done(['rm', '--force', '--time', '0', name])
  },
}

/** podman takes the cgroup away before its conmon has left it, on a busy machine, and gives up; so again. */
const removePod = (hands: Hands, pod: string) =>
  until('the pod is removed', async () => {
    const { status } = await hands.unnoted(['pod', 'rm', '--ignore', '--force', '--time', '0', pod])
    return status === 0
  })

const pods: Play = {
  title: 'containers of a pod share its network, host name and message queues, and end with it',
  needs: ['catatonit'],
  by: async (hands) => {
    const pod = hands.name('pod')
    await hands.done(['pod', 'create', '--name', pod, ...none, '--hostname', 'shared', ...hands.podman.placing])
    const script = 'hostname; for kind in net uts ipc; do readlink /proc/self/ns/$kind; done'
    const seen = []
    for (let count = 0; count < 2; count++)
      seen.push((await hands.unnoted(['run', '--rm', '--pod', pod, imageName, 'sh', '-c', script])).stdout.split('\n'))
    assert.equal(seen[0]?.[0], 'shared')
    assert.deepEqual(seen[0], seen[1])
    const member = hands.name('member')
    await hands.done(['run', '--detach', '--name', member, '--pod', pod, imageName, 'sleep', '1000'])
    await hands.done(['exec', member, 'hostname'])
    await hands.done([
      'pod',
      'ps',
      '--filter',
      `name=${pod}`,
      '--format',
      '{{.Name}} {{.Status}} {{.NumberOfContainers}}',
    ])
    await hands.done(['pod', 'stop', '--time', '0', pod])
    await hands.done(['pod', 'start', pod])
    await removePod(hands, pod)
  },
}

const bare: Play = {
  title: 'a pod without an infra container, a root file system without an image, and an imported layer',
  by: async (hands) => {
    const { placing, rootfs } = hands.podman
    const pod = hands.name('bare')
    await hands.done(['pod', 'create', '--name', pod, '--infra=false', ...placing])
    await hands.done(['run', '--rm', '--pod', pod, ...none, imageName, 'id'])
    await removePod(hands, pod)
    const listed = await hands.done(['run', '--rm', ...none, ...placing, '--rootfs', rootfs, 'sh', '-c', 'ls /; id -u'])
    assert.match(listed, /^bin\n/)
    const image = hands.name('layer')
    // one image, with two names given at once, would lose one of them
    const own = ['--change', `LABEL of=${image}`]
    await hands.done([
      'import',
      '--quiet',
      ...own,
      '--signature-policy',
      hands.podman.policy,
      await layerArchive(),
      image,
    ])
    assert.equal(await hands.done(['run', '--rm', ...none, ...placing, image, 'cat', '/data/kept']), 'from the image\n')
    await hands.unnoted(['rmi', image])
  },
}

export const lives: readonly Play[] = [foreground, terminal, entered, ended, attached, healthy, copied, pods, bare]
