/** What a program sees of podman's options: ids, powers, mounts, devices, limits, networks. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { imageName } from '../fixtures/image.ts'
import type { Hands } from '../fixtures/podman.ts'
import type { Play } from '../fixtures/podman-plays.ts'

/** Runs a script with these options and returns what it printed. */
async function seen(hands: Hands, options: readonly string[], script: string): Promise<string> {
  const outcome = await hands.run(options, 'sh', '-c', script)
  assert.equal(outcome.status, 0, outcome.stderr)
  return outcome.stdout
}

const powers = 'id; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status'

const usual: Play = {
  title: 'the usual container: ids, powers, limits, environment, devices, mounts, masks',
  by: async (hands) => {
    const first = `${powers}; hostname; umask; pwd; env | sort`
    const devices = 'stat -c "%n %A %t:%T" /dev/*; readlink /dev/fd; readlink /dev/ptmx; cat /run/.containerenv'
    const settings = `cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ping_group_range; ulimit -a; ${devices}`
    // Targets and options. How a file is hidden is up to the runtime; ours keeps devices out of a root without device rules.
    const mounts =
      'sort -k5 /proc/self/mountinfo | cut -d" " -f5,6 | sed "1s/,nodev//" | grep -v "^/proc/[kta]\\|^/sys/[df]\\|cgroup"'
    const unchanged = await seen(hands, ['--hostname', 'boxed'], [first, settings, mounts].join('; '))
    assert.match(unchanged, /^Seccomp:\t2$/m)
    assert.match(unchanged, /^\/proc\/sys ro,nosuid,nodev,noexec,relatime$/m)
    const masks =
      'for file in /proc/kcore /proc/keys /proc/timer_list; do wc -c < $file; done; ls /proc/acpi /sys/firmware'
    const attempts =
      'touch /proc/sys/kernel/domainname; echo $?; touch /sys/x; echo $?; mknod /tmp/n b 8 0 && cat /tmp/n; echo $?'
    await seen(hands, [], `${masks}; ${attempts}`)
  },
}

const identities: Play = {
  title: 'ids and powers: --user, --group-add, --cap-drop, --cap-add, --privileged, no-new-privileges, seccomp',
  by: async (hands) => {
    assert.match(
      await seen(hands, ['--user', '1000:8', '--group-add', '42'], powers),
      /^uid=1000\(user\) gid=8\(mail\)/,
    )
    const bare = await seen(hands, ['--cap-drop', 'ALL', '--security-opt', 'seccomp=unconfined'], powers)
    assert.match(bare, /^CapEff:\t0{16}$/m)
    assert.match(bare, /^Seccomp:\t0$/m)
    await seen(hands, ['--cap-drop', 'ALL', '--cap-add', 'NET_RAW', '--user', '1000'], powers)
    const kept = ['--cap-drop', 'CHOWN', '--security-opt', 'no-new-privileges']
    assert.match(await seen(hands, kept, `${powers}; chown 1 /tmp; echo $?`), /^NoNewPrivs:\t1$/m)
    await seen(hands, [], 'unshare -U true; echo $?; mount -t tmpfs none /mnt; echo $?')
  },
}

const privileged: Play = {
  title: 'a privileged container has its powers, and the devices it may have',
  by: async (hands) => {
    assert.match(
      await seen(
        hands,
        ['--privileged'],
        `${powers}; mount -t tmpfs none /mnt; echo $?; touch /proc/sys/kernel/domainname; echo $?`,
      ),
      /^Seccomp:\t0$/m,
    )
  },
}

const writable: Play = {
  title: 'what may be written: --read-only, --tmpfs, --shm-size, volumes with ro, Z and propagation',
  by: async (hands) => {
    const { home, user } = hands.podman.world.identity
    const shared = join(home, hands.name('volume'))
    makeDirectory(shared, 0o755, user)
    mkdirSync(join(shared, 'inner'))
    await seen(hands, ['--read-only'], 'touch /x; echo $?; touch /tmp/x; echo $?; touch /run/x; echo $?')
    await seen(hands, ['--read-only', '--read-only-tmpfs=false'], 'touch /x; echo $?; touch /tmp/x; echo $?')
    // One container for all of them: starting one takes most of the time.
    const at = (target: string, options: string) => ['--volume', `${shared}:${target}:${options}`]
    const propagations = ['private', 'rslave']
    const options = [
      ...['--tmpfs', '/data:size=1m', '--shm-size', '2m', '--volume', '/anonymous'],
      ...[...at('/ro', 'ro'), ...at('/labelled', 'Z'), ...at('/flags', 'rw,nosuid,nodev,noexec')],
      ...['--mount', `type=bind,src=${shared},dst=/made/on/the/way,ro`],
      ...propagations.flatMap((name) => at(`/${name}`, name)),
    ]
    const kilobytes = (path: string) => `df -k ${path} | tail -n 1 | tr -s " " | cut -d" " -f2`
    const mount = (path: string) => `grep " ${path} " /proc/self/mountinfo`
    const script = [
      ...['touch /ro/x; echo $?; touch /labelled/z; echo $?'],
      ...['ls /data; stat -c %a /data', kilobytes('/data'), kilobytes('/dev/shm'), 'touch /anonymous/x; echo $?'],
      ...[`${mount('/flags')} | cut -d" " -f6`, 'ls /made/on/the/way'],
      ...propagations.map((name) => `${mount(`/${name}`)} | grep -c "shared:\\|master:"; ls /${name}`),
    ]
    assert.match(await seen(hands, options, script.join('; ')), /^1\n0\n/)
    // This one sets the propagation of the root, too, and with runc that of all mounts.
    await seen(hands, at('/rshared', 'rshared'), `${mount('/rshared')} | grep -c "shared:"; ls /rshared`)
    await seen(hands, ['--volume', `${hands.name('named')}:/data`], 'cat /data/kept; touch /data/x; echo $?')
  },
}

const namespaces: Play = {
  title: 'namespaces that are shared with the host, and how a container is called',
  by: async (hands) => {
    const ofHost = 'hostname; test $$ -ne 1; echo $?; grep -c . /proc/1/comm'
    const cgroup = 'cut -d: -f3 /proc/self/cgroup | sort -u | head -n 1'
    await seen(hands, ['--pid', 'host', '--uts', 'host', '--cgroupns', 'private'], `${ofHost}; ${cgroup}`)
    await seen(hands, ['--workdir', '/var', '--env', 'A=b c', '--entrypoint', '["/bin/sh","-c"]'], 'pwd')
    await seen(
      hands,
      [
        ...['--hostname', 'named', '--add-host', 'other:192.0.2.9', '--sysctl', 'kernel.msgmax=9000'],
        ...['--ulimit', 'nofile=100:200', '--ulimit', 'nproc=300:400'],
        ...['--security-opt', 'mask=/data', '--security-opt', 'unmask=/proc/acpi'],
      ],
      'hostname; grep other /etc/hosts; ulimit -n; ulimit -p; cat /proc/sys/kernel/msgmax; ls /data',
    )
  },
}

const networks: Play = {
  title: 'networks: none, the host, slirp4netns',
  needs: ['slirp4netns', 'openTun'],
  by: async (hands) => {
    const addresses = 'ip -o address | grep -v " inet6 f[de]" | tr -s " " | cut -d" " -f2-4'
    const on = (network: string) =>
      hands.done(['run', '--rm', '--network', network, ...hands.podman.placing, imageName, 'sh', '-c', addresses])
    assert.match(await on('none'), /^lo inet 127.0.0.1\/8\n/)
    await on('host')
    assert.match(await on('slirp4netns'), /^tap0 inet 10.0.2.100\/24$/m)
  },
}

const reaping: Play = {
  title: 'with --init the dead are collected, and signals reach the program',
  needs: ['catatonit'],
  by: async (hands) => {
    const tree = await seen(
      hands,
      ['--init'],
      'readlink /proc/1/exe; (sleep 0.01 &); sleep 0.2; ps -o stat,args | grep -c "^Z"; true',
    )
    assert.equal(tree, '/run/podman-init\n0\n')
  },
}

export const views: readonly Play[] = [usual, identities, privileged, writable, namespaces, networks, reaping]

const frozen: Play = {
  title: 'a container is paused, refuses exec, and goes on',
  by: async (hands) => {
    const name = hands.name('frozen')
    await hands.done([
      'run',
      '--detach',
      '--name',
      name,
      '--network',
      'none',
      ...hands.podman.placing,
      imageName,
      'sleep',
      '1000',
    ])
    await hands.done(['pause', name])
    assert.equal(await hands.done(['inspect', '--format', '{{.State.Status}}', name]), 'paused\n')
    assert.notEqual((await hands.call(['exec', name, 'true'])).status, 0)
    assert.notEqual((await hands.call(['pause', name])).status, 0)
    await hands.done(['unpause', name])
    await hands.done(['exec', name, 'true'])
    await hands.done(['pause', name])
    await hands.done(['rm', '--force', '--time', '0', name])
  },
}

const limited: Play = {
  title: 'limits of memory, processes and cpus, and a device that is allowed',
  by: async (hands) => {
    const limits = [
      '--memory',
      '64m',
      '--pids-limit',
      '50',
      '--cpu-shares',
      '512',
      '--cpuset-cpus',
      '0',
      '--device',
      '/dev/zero:/dev/other:r',
    ]
    assert.equal((await hands.run(limits, 'sh', '-c', 'head -c 3 /dev/other | wc -c')).stdout, '3\n')
    const name = hands.name('limited')
    await hands.done([
      'run',
      '--detach',
      '--name',
      name,
      '--network',
      'none',
      ...hands.podman.placing,
      ...limits,
      imageName,
      'sleep',
      '1000',
    ])
    assert.notEqual((await hands.call(['exec', name, 'sh', '-c', 'mknod /tmp/disk b 8 0; cat /tmp/disk'])).status, 0)
    await hands.done(['rm', '--force', '--time', '0', name])
  },
}

const mapped: Play = {
  title: 'a user namespace with maps of podman',
  by: async (hands) => {
    await seen(
      hands,
      ['--uidmap', '0:100000:65536', '--gidmap', '0:200000:65536'],
      'id; cat /proc/self/uid_map /proc/self/gid_map; touch /x; stat -c %u /x',
    )
  },
}

const queues: Play = {
  title: 'message queues are shared with the host',
  by: async (hands) => {
    await seen(hands, ['--ipc', 'host'], 'echo /dev/mqueue/*; cat /proc/sys/fs/mqueue/queues_max')
  },
}

/** Only where podman is root. */
export const rootViews: readonly Play[] = [frozen, limited, mapped, queues]

const kept: Play = {
  title: 'the caller keeps its own id inside',
  by: async (hands) => {
    assert.match(
      await seen(hands, ['--userns', 'keep-id'], 'id -u; cat /proc/self/uid_map'),
      new RegExp(`^${hands.podman.world.identity.user.uid}\n`),
    )
    await seen(hands, ['--userns', 'nomap'], 'id -u; cat /proc/self/uid_map')
  },
}

const unfrozen: Play = {
  title: 'pause is refused where there is no cgroup',
  by: async (hands) => {
    const name = hands.name('unfrozen')
    await hands.done(['run', '--detach', '--name', name, '--network', 'none', imageName, 'sleep', '1000'])
    await hands.call(['pause', name])
    await hands.done(['rm', '--force', '--time', '0', name])
  },
}

/** Only where podman is not root. */
export const rootlessViews: readonly Play[] = [kept, unfrozen]
