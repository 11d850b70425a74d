// Needs nothing: what is not understood is refused by name with status 1, and nothing is done.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { call, stateRoot, usneaAsIs } from '../fixtures/command-line.ts'
import { refused } from '../fixtures/world.ts'

const wrong: Record<string, readonly [string[], RegExp]> = {
  'an unknown command, with the nearest one': [['crate'], /crate.*create/],
  'an unknown command that is near to none': [['xyzzyx'], /xyzzyx/],
  'an unknown option': [['state', '--frobnicate', 'id'], /frobnicate/],
  'an unknown option, with the nearest one': [['create', '--bundel', 'x', 'id'], /bundel.*bundle/],
  'an unknown global option': [['--frobnicate', 'state', 'id'], /frobnicate/],
  'a missing id': [['state'], /requires|argument/],
  'too many arguments': [['state', 'a', 'b'], /requires|argument/],
  'an option without its value': [['create', 'id', '--bundle'], /bundle/],
  'a switch with a value that is none': [['delete', '--force=maybe', 'id'], /force|maybe/],
  'a number that is none': [['run', '--preserve-fds', 'two', 'id'], /preserve-fds|two/],
  'a negative number of descriptors': [['run', '--preserve-fds', '-1', 'id'], /preserve-fds|-1/],
  'a regular expression that is none': [['delete', '--regex', 'a('], /invalid regular expression \\?"a\(/],
  'an unknown action of mounts': [['mounts', 'frob', 'id', 'file'], /unknown action \\?"frob/],
  'an unknown output format': [['list', '--format', 'xml'], /format/],
  'the root directory as the state directory': [['--root', '/', 'list'], /--root/],
  'an unknown log format': [['--log-format', 'xml', 'list'], /invalid log-format: xml/],
  'an unknown log level': [['--log-level', 'loud', 'list'], /log-level/],
  'a --rootless that is none': [['--rootless', 'maybe', 'list'], /rootless/],
  'an unknown cgroup manager': [['--cgroup-manager', 'magic', 'list'], /cgroup manager/],
}

for (const [title, [args, words]] of Object.entries(wrong)) {
  test(`${title} is refused`, () => {
    refused(usneaAsIs(...args), words)
    assert.ok(!existsSync(stateRoot))
  })
}

test('an unknown command has no help topic', () => {
  for (const words of [['foo', '-h'], ['foo'], ['help', 'foo']])
    assert.match(usneaAsIs(...words).stderr, /No help topic for 'foo'/)
})

test('a wrong count of arguments shows the help of the command on stdout', () => {
  assert.match(usneaAsIs('state').stdout, /^Incorrect Usage\.\n[\s\S]*state/)
})

const verbs = [
  'create',
  'start',
  'run',
  'exec',
  'state',
  'list',
  'ps',
  'limits',
  'kill',
  'delete',
  'spec',
  'features',
  'plan',
  'doctor',
  'sandbox',
  'pause',
  'resume',
  'update',
  'events',
  'checkpoint',
  'restore',
  'mounts',
]

test('every command explains itself', () => {
  const { stdout } = usneaAsIs('--help')
  for (const verb of verbs) {
    assert.match(stdout, new RegExp(`\\b${verb}\\b`))
    for (const flag of ['--help', '-h']) {
      const help = usneaAsIs(verb, flag)
      assert.equal(help.status, 0, verb)
      assert.match(help.stdout, new RegExp(`^NAME:\\n {3}usnea ${verb} - .*\\n\\nUSAGE:\\n {3}usnea ${verb}`))
      assert.equal(help.stderr, '')
    }
  }
})

/** Spellings that callers use, of options that do nothing for a container that is not there. */
const spellings = [
  ['delete', '--force', 'gone'],
  ['delete', '-f', 'gone'],
  ['delete', '--force=true', 'gone'],
  ['delete', '-force', 'gone'],
  ['delete', 'gone', '--force'],
  ['--debug=false', 'delete', '--force', 'gone'],
  ['--rootless=true', '--systemd-cgroup=false', 'delete', '--force', 'gone'],
  ['--cgroup-manager', 'disabled', 'delete', '--force', 'gone'],
]

for (const args of spellings) {
  test(`‘${args.join(' ')}’ is understood`, () => {
    assert.deepEqual(call(...args), { status: 0, signal: null, stdout: '', stderr: '' })
  })
}

test('--force=false is not --force', () => {
  refused(call('delete', '--force=false', 'gone'), /container does not exist/)
})

test('every option of checkpoint and restore is understood, and then the verb answers', () => {
  const common = '--image-path /nowhere --work-path w --tcp-established --ext-unix-sk --shell-job --lazy-pages'
  const more = '--file-locks --manage-cgroups-mode ignore --empty-ns network --auto-dedup --network-lock skip'
  const save =
    '--parent-path p --leave-running --tcp-skip-in-flight --link-remap --status-fd 3 --page-server a:1 --pre-dump'
  const load = '-b . --console-socket s --pid-file f -d -no-subreaper --no-pivot --tcp-close'
  const words = (text: string) => text.split(' ')
  refused(call('checkpoint', ...words(common), ...words(more), ...words(save), 'id'), /container does not exist/)
  refused(call('restore', ...words(common), ...words(more), ...words(load), 'id'), /cannot open the image \/nowhere/)
  refused(call('mounts', 'add', 'id', 'file'), /container does not exist/)
})

test('a value of checkpoint or restore that cannot be meant is named, with those that can', () => {
  const cases: readonly (readonly [args: string, words: RegExp])[] = [
    ['--manage-cgroups-mode loose', /invalid --manage-cgroups-mode: loose; fix: use one of ignore, soft, full, strict/],
    ['--network-lock none', /invalid --network-lock: none; fix: use one of iptables, nftables, skip/],
    ['--empty-ns ipc', /namespace ipc is not supported by --empty-ns/],
  ]
  for (const verb of ['checkpoint', 'restore'])
    for (const [args, words] of cases) refused(call(verb, ...args.split(' '), 'id'), words)
  for (const server of ['somewhere', ':7', 'a:', 'a:0', 'a:65536', '::1:7'])
    refused(call('checkpoint', '--page-server', server, 'id'), /is no ADDRESS:PORT/)
  refused(call('restore', '--lsm-profile', 'a:b', 'id'), /--lsm-profile a:b: there is no security module a; fix: /)
  refused(call('checkpoint', '--parent-path', '/parent', 'id'), /--parent-path must be relative: \/parent/)
})
