/** A shell that keeps its state, from a program. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { isRuntimeError, type Shell, sandbox, script } from '../../src/index.ts'
import { needs } from '../fixtures/needs.ts'
import { refusing } from '../fixtures/refusing.ts'

const skip = needs('userns') ?? false

for (const program of ['/bin/bash', 'dash']) {
  const within = (what: (shell: Shell) => Promise<void>) => async () => {
    await using box = sandbox({ cwd: '/', env: { GIVEN: 'from outside' } })
    await using shell = box.shell({ program })
    await what(shell)
  }
  const said = async (shell: Shell, text: string) => (await shell.run(text)).stdout

  test(
    `${program}: directory, variables, functions, files and jobs stay`,
    { skip },
    within(async (shell) => {
      await shell.run(
        'cd /usr; NAME=value; export LOUD=yes; greet() { echo "hello $1"; }; echo kept > /tmp/file; sleep 1000 &',
      )
      assert.equal(
        await said(shell, 'pwd; echo $NAME; sh -c "echo \\$LOUD"; greet you; cat /tmp/file; kill -0 $!; echo $GIVEN'),
        '/usr\nvalue\nyes\nhello you\nkept\nfrom outside',
      )
    }),
  )

  test(
    `${program}: output, status and errors are those of the script`,
    { skip },
    within(async (shell) => {
      const { exitCode, stdout, stderr, code, argv } = await shell.run(
        'echo out; echo err >&2; printf "no newline!!"; (exit 4)',
        { reject: false },
      )
      assert.deepEqual([exitCode, stdout, stderr, code], [4, 'out\nno newline!!', 'err', 'command-failed'])
      assert.equal(argv.length, 1)
      await assert.rejects(shell.run('false'), { name: 'SandboxError', exitCode: 1 })
      // Neither a mistake nor a script that closes or redirects what it has is the end of the shell.
      await assert.rejects(shell.run('if'), { code: 'command-failed' })
      await assert.rejects(shell.run("echo 'open"), { code: 'command-failed' })
      await shell.run('exec >/dev/null 2>&1 </dev/zero; printf() { echo mine; }; exec 8>&- 9>&-', { reject: false })
      assert.equal(await said(shell, 'cat; echo still'), 'still')
      assert.equal(await said(shell, script`echo ${"it's $HOME"} ${['a', 'b c']}`), "it's $HOME a b c")
      assert.equal(await said(shell, 'head -c 3000000 /dev/zero | wc -c'), '3000000')
      const long = await shell.run('head -c 3000000 /dev/zero | tr "\\0" a', { maxBuffer: 10 })
      assert.deepEqual([long.stdout, long.isMaxBuffer], ['aaaaaaaaaa', true])
    }),
  )

  test(
    `${program}: scripts that are given at once run one after the other`,
    { skip },
    within(async (shell) => {
      const results = await Promise.all([1, 2, 3].map((n) => shell.run(`X=\${X}${n}; echo $X`)))
      assert.deepEqual(
        results.map(({ stdout }) => stdout),
        ['1', '12', '123'],
      )
    }),
  )

  test(
    `${program}: a script that runs out of time is interrupted, and the shell goes on`,
    { skip },
    within(async (shell) => {
      await shell.run('sleep 1000 & BEFORE=$!')
      for (const endless of [
        'sleep 1000; echo not',
        'while :; do :; done',
        'for i in 1 2; do cat /dev/zero > /dev/null; done',
      ]) {
        const { timedOut, code, stdout } = await shell.run(`STATE=${endless.length}; ${endless}`, {
          timeout: 100,
          reject: false,
        })
        assert.deepEqual([timedOut, code, stdout], [true, 'command-timed-out', ''])
        assert.equal(await said(shell, 'echo $STATE; kill -0 $BEFORE && echo runs'), `${endless.length}\nruns`)
      }
      // However early it comes.
      for (const timeout of [1, 1, 2, 3]) {
        await shell.run('echo x', { timeout, reject: false })
        assert.equal(await said(shell, '[ -n "$STATE" ] && echo kept'), 'kept')
      }
      const controller = new AbortController()
      const running = shell.run('echo begun; sleep 1000', { cancelSignal: controller.signal, reject: false })
      const queued = shell.run('touch /tmp/never', { cancelSignal: controller.signal, reject: false })
      setTimeout(() => controller.abort(), 50)
      assert.deepEqual([(await running).isCanceled, (await queued).isCanceled], [true, true])
      assert.equal(await said(shell, 'ls /tmp'), '')
    }),
  )

  test(
    `${program}: what cannot be interrupted ends it, as exit does`,
    { skip },
    within(async (shell) => {
      const deaf = await shell.run('trap "" INT; echo in; sleep 1000', {
        timeout: 50,
        forceKillAfterDelay: 100,
        reject: false,
      })
      assert.deepEqual([deaf.signal, deaf.isForcefullyTerminated, shell.isOver], ['SIGKILL', true, true])
      await assert.rejects(shell.run('true'), { code: 'shell-over' })
    }),
  )

  test(
    `${program}: exit ends it with its status`,
    { skip },
    within(async (shell) => {
      const over = await shell.run('echo bye; exit 3', { reject: false })
      assert.deepEqual([over.exitCode, over.stdout], [3, 'bye'])
      await assert.rejects(shell.run('true'), (error) => isRuntimeError(error, 'shell-over'))
    }),
  )
}

test('a shell that cannot be started says why with the first script', { skip }, async () => {
  await using box = sandbox({ cwd: '/' })
  await assert.rejects(box.shell({ program: 'usnea-no-shell' }).run('true'), { code: 'exec-not-found' })
  await assert.rejects(box.shell().run('a\0b'), { code: 'sandbox-option' })
})

test('at level L a script is interrupted too, and nobody else', { skip: needs('python3') ?? false }, () => {
  const program = `import { check, sandbox } from 'usnea'
    process.on('SIGINT', () => process.exit(66))
    const policy = { cwd: '/', minLevel: 'L', accept: ['metadata', 'unix-sockets'] }
    if (!(await check(policy)).isSupported) process.exit(console.log('none here'))
    const box = sandbox(policy)
    const shell = box.shell()
    const { timedOut } = await shell.run('A=kept; sleep 1000', { timeout: 100, reject: false })
    console.log(box.level, timedOut, (await shell.run('echo $A')).stdout)
    await box.close()`
  const [file = '', ...args] = refusing([process.execPath, '--input-type=module', '-e', program])
  assert.match(execFileSync(file, args, { encoding: 'utf8' }), /^(L true kept|none here)\n$/)
})
