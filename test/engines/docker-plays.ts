/** What docker does with containers: the same under every runtime and every shim. */
import assert from 'node:assert/strict'
import type { Hands } from '../fixtures/docker.ts'
import { imageName } from '../fixtures/image.ts'
import { until } from '../fixtures/until.ts'

export interface Play {
  readonly title: string
  readonly by: (hands: Hands) => Promise<void>
  /** Says nothing of a shim, so it need not be played with every one. */
  readonly isOfRuntime: boolean
}

export const plays: Play[] = []

const play = (title: string, by: Play['by'], isOfRuntime = false) => void plays.push({ title, by, isOfRuntime })

const stateOf = (hands: Hands, name: string) =>
  hands.done([
    'inspect',
    '--format',
    '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.State.Error}}',
    name,
  ])

const isStatus = (hands: Hands, name: string, status: string) =>
  until(`${name} is ${status}`, async () => {
    const { stdout } = await hands.unnoted(['inspect', '--format', '{{.State.Status}}', name])
    return stdout.trim() === status
  })

play(
  'run: streams, status, what the container sees',
  async (hands) => {
    const streams = await hands.run([], 'sh', '-c', 'echo out; echo err >&2; exit 7')
    assert.deepEqual([streams.status, streams.stdout, streams.stderr], [7, 'out\n', 'err\n'])
    const fed = await hands.call(['run', '--rm', '-i', ...hands.plain, imageName, 'cat'], { input: 'from outside\n' })
    assert.deepEqual([fed.status, fed.stdout], [0, 'from outside\n'])
    const look =
      'id; pwd; env | grep -v HOSTNAME | sort; ls /dev; grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status; ulimit -n; mount | cut -d" " -f3 | sort'
    assert.match((await hands.run([], 'sh', '-c', look)).stdout, /^uid=0/)
    const options = ['--user', '1000:8', '--workdir', '/var', '--env', 'EXTRA=yes', '--read-only', '--cap-drop', 'ALL']
    const limits = [
      '--memory',
      '64m',
      '--pids-limit',
      '50',
      '--ulimit',
      'nofile=99',
      '--tmpfs',
      '/scratch:size=1m',
      '--init',
    ]
    const changed = await hands.run([...options, ...limits, '--security-opt', 'no-new-privileges'], 'sh', '-c', look)
    assert.match(changed.stdout, /^uid=1000.*\n\/var\n(.*\n)*EXTRA=yes\n/)
    const volume = ['--volume', `${hands.world.identity.home}:/mnt:ro`]
    assert.equal((await hands.run(volume, 'sh', '-c', 'touch /mnt/x 2>/dev/null; echo $?')).stdout, '1\n')
  },
  true,
)

play('run: what cannot be started is told with the status that docker derives from the words', async (hands) => {
  assert.equal((await hands.run([], 'no-such-program')).status, 127)
  assert.equal((await hands.run([], '/etc/no-program')).status, 126)
  assert.equal((await hands.run(['--workdir', '/etc/passwd'], 'true')).status === 0, false)
})

play('run on a terminal', async (hands) => {
  const script = 'tty; read line; echo "got $line"; exit 4'
  const status = await hands.onTerminal(
    ['run', '--rm', '-it', ...hands.plain, imageName, 'sh', '-c', script],
    async (terminal) => {
      await terminal.shows('/dev/pts/0')
      terminal.write('words\n')
      await terminal.shows('got words')
    },
  )
  assert.equal(status, 4)
})

const script = 'trap "echo term; exit 3" TERM; trap "echo usr1" USR1; echo up; while :; do sleep 0.1; done'

play('a detached container: exec, logs, top, stats, kill, stop, restart, rm', async (hands) => {
  const name = await hands.detached(['--memory', '64m'], script)
  await hands.logged(name, /^up$/m)
  const streams = await hands.call(['exec', name, 'sh', '-c', 'echo out; echo err >&2; exit 9'])
  assert.deepEqual([streams.status, streams.stdout, streams.stderr], [9, 'out\n', 'err\n'])
  assert.equal(await hands.done(['exec', '-i', name, 'cat'], { input: 'typed' }), 'typed')
  const seen = await hands.done([
    'exec',
    '--user',
    '1000:8',
    '--workdir',
    '/var',
    '--env',
    'E=1',
    name,
    'sh',
    '-c',
    'id; pwd; echo $E',
  ])
  assert.match(seen, /^uid=1000\(user\) gid=8\(mail\).*\n\/var\n1\n/)
  assert.notEqual((await hands.call(['exec', name, 'no-such-program'])).status, 0)
  assert.match((await hands.unnoted(['top', name, '-o', 'pid,comm'])).stdout, /^PID +COMMAND\n\d+ +sh\n/)
  const format = ['--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}']
  // Of a cgroup of its own: a share of its limit, and processes.
  assert.match((await hands.unnoted(['stats', ...format, name])).stdout, /^[\d.]+[KM]iB \/ 64MiB [1-9]\d*\n$/)
  await hands.done(['kill', '--signal', 'USR1', name])
  await hands.logged(name, /^usr1$/m)
  await hands.done(['stop', '--time', '10', name])
  assert.equal(await stateOf(hands, name), 'exited 3 false \n')
  await hands.done(['restart', '--time', '10', name])
  await hands.logged(name, /^term\n(.*\n)*up$/m)
  await hands.done(['restart', '--time', '10', name])
  assert.match(await stateOf(hands, name), /^running 0/)
  assert.notEqual((await hands.call(['rm', name])).status, 0)
  await hands.done(['kill', name])
  await isStatus(hands, name, 'exited')
  assert.match(await stateOf(hands, name), /^exited 137/)
  await hands.done(['logs', name])
  await hands.done(['rm', name])
  assert.notEqual((await hands.call(['inspect', name])).status, 0)
})

play('a container is paused, changed and resumed, and its end is waited for', async (hands) => {
  const name = await hands.detached([], 'echo up; sleep 1000')
  await hands.done(['pause', name])
  assert.match(await stateOf(hands, name), /^paused/)
  await hands.done(['unpause', name])
  await hands.done(['update', '--memory', '80m', '--memory-swap', '80m', name])
  const stats = await hands.unnoted(['stats', '--no-stream', '--format', '{{.MemUsage}}', name])
  assert.match(stats.stdout, /\/ 80MiB/)
  // Not noted: which of the two is answered first is chance.
  const waited = hands.unnoted(['wait', name])
  await hands.done(['kill', '--signal', 'KILL', name])
  assert.equal((await waited).stdout, '137\n')
  await hands.done(['rm', name])
})

play(
  'rm --force ends what runs, and a policy starts again what fails',
  async (hands) => {
    const name = await hands.detached(['--restart', 'on-failure:2'], 'echo up; exit 5')
    await hands.logged(name, /^up\nup\nup$/m)
    await isStatus(hands, name, 'exited')
    assert.equal(await hands.done(['inspect', '--format', '{{.RestartCount}} {{.State.ExitCode}}', name]), '2 5\n')
    await hands.done(['rm', '--force', name])
    const stays = await hands.unnoted(['run', '--detach', ...hands.plain, imageName, 'sleep', '1000'])
    await hands.unnoted(['rm', '--force', stays.stdout.trim()])
  },
  true,
)
