/** What podman says and returns when something cannot be done: the words of the runtime decide it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { imageName } from '../fixtures/image.ts'
import type { Play } from '../fixtures/podman-plays.ts'

const none = ['--network', 'none']

const programs: Play = {
  title: 'a program that is missing, is no program, or is a directory',
  by: async (hands) => {
    assert.equal((await hands.run([], 'no-such-program')).status, 127)
    assert.equal((await hands.run([], '/no/such/program')).status, 127)
    assert.equal((await hands.run([], '/etc/no-program')).status, 126)
    assert.equal((await hands.run([], '/etc')).status, 126)
    assert.equal((await hands.run(['-t'], 'no-such-program')).status, 127)
    assert.equal(
      (await hands.call(['run', '--detach', '--rm', ...none, ...hands.podman.placing, imageName, 'no-such-program']))
        .status,
      127,
    )
    assert.equal((await hands.run(['--user', '1000'], '/etc/shadow-of-nothing')).status, 127)
  },
}

const entering: Play = {
  title: 'the same for exec, and a container that does not run',
  by: async (hands) => {
    const name = hands.name('entered')
    await hands.done(['run', '--detach', '--name', name, ...none, ...hands.podman.placing, imageName, 'sleep', '1000'])
    assert.equal((await hands.call(['exec', name, 'no-such-program'])).status, 127)
    assert.equal((await hands.call(['exec', name, '/no/such/program'])).status, 127)
    assert.equal((await hands.call(['exec', name, '/etc/no-program'])).status, 126)
    assert.equal((await hands.call(['exec', name, '/etc'])).status, 126)
    assert.equal((await hands.call(['exec', '-t', name, 'no-such-program'])).status, 127)
    await hands.call(['exec', '--workdir', '/no/such/directory', name, 'pwd'])
    await hands.call(['exec', '--user', 'nobody-here', name, 'id'])
    await hands.call(['exec', '--detach', name, 'no-such-program'])
    await hands.done(['kill', name])
    await hands.done(['wait', name])
    await hands.call(['exec', name, 'true'])
    await hands.call(['kill', name])
    await hands.call(['stop', name])
    await hands.call(['pause', name])
    await hands.done(['rm', name])
  },
}

const names: Play = {
  title: 'names that are taken or unknown',
  by: async (hands) => {
    const name = hands.name('taken')
    const create = ['create', '--name', name, ...none, ...hands.podman.placing, imageName, 'true']
    await hands.done(create)
    assert.equal((await hands.call(create)).status, 125)
    assert.equal((await hands.call(['run', '--name', name, ...none, imageName, 'true'])).status, 125)
    await hands.done(['rm', name])
    assert.notEqual((await hands.call(['start', hands.name('unknown')])).status, 0)
  },
}

const settings: Play = {
  title: 'directories, volumes, users and settings that cannot be had',
  by: async (hands) => {
    const { home } = hands.podman.world.identity
    assert.notEqual((await hands.run(['--workdir', '/no/such/directory'], 'true')).status, 0)
    assert.equal((await hands.run(['--volume', `${join(home, 'no-such-directory')}:/data`], 'true')).status, 125)
    assert.equal((await hands.run(['--user', 'nobody-here'], 'true')).status, 126)
    assert.notEqual((await hands.run(['--volume', `${join(home, 'rootfs')}:/etc/passwd`], 'true')).status, 0)
    assert.notEqual((await hands.run(['--sysctl', 'net.no.such=1'], 'true')).status, 0)
  },
}

const restarted: Play = {
  title: 'a container whose program is missing can be looked at and removed',
  by: async (hands) => {
    const name = hands.name('hollow')
    await hands.done(['create', '--name', name, ...none, ...hands.podman.placing, imageName, 'no-such-program'])
    assert.notEqual((await hands.call(['start', name])).status, 0)
    await hands.done(['inspect', '--format', '{{.State.Status}}', name])
    assert.notEqual((await hands.call(['start', '--attach', name])).status, 0)
    await hands.done(['rm', name])
  },
}

export const mistakes: readonly Play[] = [programs, entering, names, settings, restarted]
