import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { execute } from '../../../src/cli/execute.ts'
import { recordIo } from './io.ts'

const directory = mkdtempSync(join(tmpdir(), 'usnea-execute-'))
after(() => rmSync(directory, { recursive: true }))
let files = 0
const newFile = () => join(directory, `log-${++files}`)

async function call(argv: readonly string[], options: Parameters<typeof recordIo>[0] = {}) {
  const { io, out, err } = recordIo(options)
  const status = await execute(argv, io)
  return { status, out: out(), err: err() }
}

const FIX = '; fix: [^"]*'
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`

describe('an error', () => {
  it('is one line of text on stderr when there is no log file', async () => {
    const { status, out, err } = await call(['kill', 'box', 'NOSUCH'])
    assert.equal(status, 1)
    assert.equal(out, '')
    assert.match(err, new RegExp(`^time="${TIME}" level=error msg="unknown signal \\\\"NOSUCH\\\\"${FIX}"\n$`))
  })

  it('is short when a person reads it', async () => {
    const { err } = await call(['kill', 'box', 'NOSUCH'], { isTerminal: true })
    assert.match(err, /^ERRO\[\d{4}\] unknown signal "NOSUCH"; fix: .*\n$/)
  })

  it('is JSON on stderr when that was asked for', async () => {
    const { err } = await call(['--log-format', 'json', 'kill', 'box', 'NOSUCH'])
    assert.deepEqual(Object.keys(JSON.parse(err)), ['level', 'msg', 'time'])
  })

  it('is exactly one JSON object in the log file, and plain on stderr', async () => {
    const file = newFile()
    const { status, err } = await call(['--log', file, '--log-format=json', 'kill', 'box', 'NOSUCH'])
    assert.equal(status, 1)
    const text = readFileSync(file, 'utf8')
    assert.match(
      text,
      new RegExp(`^{"level":"error","msg":"unknown signal \\\\"NOSUCH\\\\"${FIX}","time":"${TIME}"}\n$`),
    )
    assert.match(err, /^unknown signal "NOSUCH"; fix: .*\n$/)
    assert.equal(statSync(file).mode & 0o777 & ~process.umask(), 0o644 & ~process.umask())
  })

  it('is added to what other calls wrote before', async () => {
    const file = newFile()
    writeFileSync(file, 'before\n')
    await call(['--log', file, 'kill', 'box', 'NOSUCH'])
    assert.match(readFileSync(file, 'utf8'), /^before\ntime="[^"]+" level=error msg="unknown signal .*\n$/)
  })

  it('of the options before the verb is in the log file that a later option names', async () => {
    const file = newFile()
    const { status } = await call(['--bogus', '--log', file, '--log-format', 'json', 'state', 'box'])
    assert.equal(status, 1)
    assert.match(JSON.parse(readFileSync(file, 'utf8')).msg, /not defined: --bogus/)
  })

  it('of a sandbox has a status that no command of its own has', async () => {
    assert.equal((await call(['sandbox', '--net', 'moon', '--', 'true'])).status, 125)
    assert.equal((await call(['--timeout', 'soon', '--', 'true'])).status, 125)
  })

  it('of exec before there is a process is 255, of its usage 1', async () => {
    const { status, err } = await call(['--root', directory, 'exec', 'box', 'a'])
    assert.equal(status, 255)
    assert.match(err, /msg="exec failed: container does not exist/)
    assert.equal((await call(['exec', '--nope', 'box', 'a'])).status, 1)
    assert.equal((await call(['exec', '-g', 'x', 'box', 'a'])).status, 1)
  })
})

describe('an exception that nobody catches', () => {
  const crashed = Promise.reject(new TypeError('boom'))
  crashed.catch(() => {})

  it('is one line and status 1', async () => {
    const { status, err } = await call(['version'], { crashed })
    assert.equal(status, 1)
    assert.match(err, /^time="[^"]+" level=error msg="internal error: boom; fix: [^\n]*\n$/)
  })

  it('shows where it came from with --debug, and is still the last line', async () => {
    const { err } = await call(['--debug', 'version'], { crashed })
    assert.match(
      err,
      /^time="[^"]+" level=debug msg="TypeError: boom\\n {4}at .*\n.*level=error msg="internal error: boom[^\n]*\n$/,
    )
  })
})

describe('a log file that cannot be written', () => {
  it('is told before anything is done', async () => {
    const { status, err } = await call(['--log', join(directory, 'no/such/log'), 'kill', 'box', 'NOSUCH'])
    assert.equal(status, 1)
    assert.match(err, /msg="the log file cannot be written: open .*no\/such\/log: no such file or directory"\n$/)
  })

  it('does not hide another mistake', async () => {
    const { err } = await call(['--log', join(directory, 'no/such/log'), '--bogus', 'list'])
    assert.match(err, /the log file cannot be written.*\n.*not defined: --bogus.*\n$/)
  })

  it('does not hide the error when the disk is full', async () => {
    const { status, err } = await call(['--log', '/dev/full', 'kill', 'box', 'NOSUCH'])
    assert.equal(status, 1)
    assert.match(
      err,
      /^usnea: the log file cannot be written: write \/dev\/full: no space left on device\nunknown signal "NOSUCH"; fix: .*\n$/,
    )
  })
})

describe('a call that succeeds', () => {
  it('leaves the log file empty', async () => {
    const file = newFile()
    const { status, err } = await call(['--log', file, '--criu', '/usr/sbin/criu', 'version'])
    assert.deepEqual({ status, err }, { status: 0, err: '' })
    assert.equal(readFileSync(file, 'utf8'), '')
  })

  it('tells a note to a person only', async () => {
    const argv = ['--criu', '/usr/sbin/criu', 'version']
    assert.equal((await call(argv)).err, '')
    assert.match((await call(argv, { isTerminal: true })).err, /^usnea: note: --criu is ignored.*\n$/)
  })

  it('records a note where warnings were asked for, once', async () => {
    const file = newFile()
    const argv = ['--log-level', 'warning', '--criu', 'x', 'version']
    assert.equal((await call(['--log', file, '--log-format=json', ...argv], { isTerminal: true })).err, '')
    const record = JSON.parse(readFileSync(file, 'utf8'))
    assert.equal(record.level, 'warning')
    assert.match(record.msg, /--criu is ignored/)
    assert.match((await call(argv)).err, /^time="[^"]+" level=warning msg="--criu is ignored[^\n]*\n$/)
  })
})

describe('help', () => {
  it('is printed for nothing at all, for --help, and for help', async () => {
    for (const argv of [[], ['--help'], ['help']]) {
      const { status, out, err } = await call(argv)
      assert.deepEqual({ status, err }, { status: 0, err: '' })
      assert.match(out, /^NAME:\n {3}usnea - .*\n\nUSAGE:\n {3}usnea .*COMMAND/)
      assert.match(out, /create\s+make a container/)
    }
  })

  it('of a verb shows its options, but not those that have no effect', async () => {
    for (const argv of [
      ['create', '--help'],
      ['--help', 'create'],
      ['help', 'create'],
      ['create', '-b', 'x', '-h', 'y'],
    ]) {
      const { status, out } = await call(argv)
      assert.equal(status, 0)
      assert.match(out, /^NAME:\n {3}usnea create - .*\n\nUSAGE:\n {3}usnea create \[options\] ID\n/)
      assert.match(out, /-b, --bundle/)
      assert.doesNotMatch(out, /subreaper/)
    }
  })

  it('follows a wrong number of arguments on stdout, and the error is on stderr', async () => {
    const { status, out, err } = await call(['create'])
    assert.equal(status, 1)
    assert.match(out, /^Incorrect Usage\.\n\nNAME:\n {3}usnea create/)
    assert.match(err, /msg="usnea: \\"create\\" requires exactly 1 argument\(s\)"/)
  })
})

describe('the version', () => {
  it('is printed in the lines that go-runc and podman read', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    for (const argv of [['--version'], ['-v'], ['-V'], ['version'], ['--root', '/r', '--version']]) {
      const { status, out } = await call(argv)
      assert.equal(status, 0)
      assert.deepEqual(out.split('\n').slice(0, 2), [`usnea version ${version}`, 'spec: 1.3.0'])
    }
  })
})

describe('an empty state directory', () => {
  const root = join(directory, 'state')
  before(() => mkdirSync(root))

  it('lists nothing', async () => {
    assert.equal(
      (await call(['--root', root, 'list'])).out,
      'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n',
    )
    assert.equal((await call(['--root', root, 'list', '-f', 'json'])).out, '[]\n')
    assert.deepEqual(await call(['--root', root, 'list', '-q']), { status: 0, out: '', err: '' })
  })

  it('must be there when it was named', async () => {
    const { status, out, err } = await call(['--root', join(root, 'none'), 'list'])
    assert.deepEqual({ status, out }, { status: 1, out: '' })
    assert.match(err, /the state directory .*none cannot be read: no such file or directory/)
  })

  it('has no container to look at', async () => {
    for (const argv of [
      ['state', 'box'],
      ['start', 'box'],
      ['kill', 'box'],
      ['delete', 'box'],
      ['ps', 'box'],
    ]) {
      const { status, out, err } = await call(['--root', root, ...argv])
      assert.deepEqual({ status, out }, { status: 1, out: '' })
      assert.match(err, /msg="container does not exist/)
    }
  })

  it('needs no forced removal, and says nothing about it', async () => {
    assert.deepEqual(await call(['--root', root, 'delete', '--force', 'box']), { status: 0, out: '', err: '' })
  })
})

describe('spec', () => {
  it('writes a configuration once and never over another file', async () => {
    const { status, err } = await call(['spec', '--bundle', directory], { cwd: '/' })
    assert.deepEqual({ status, err }, { status: 0, err: '' })
    const text = readFileSync(join(directory, 'config.json'), 'utf8')
    assert.match(text, /^{\n\t"ociVersion": "1\.3\.0",\n/)
    const second = await call(['spec'], { cwd: directory })
    assert.equal(second.status, 1)
    assert.match(second.err, /msg="File config\.json exists\. Remove it first"/)
    assert.equal(readFileSync(join(directory, 'config.json'), 'utf8'), text)
  })

  it('takes another name, below the bundle', async () => {
    assert.equal((await call(['spec', '--rootless', '-f', 'other.json'], { cwd: directory })).status, 0)
    assert.deepEqual(JSON.parse(readFileSync(join(directory, 'other.json'), 'utf8')).root.path, 'rootfs')
  })

  it('tells why a bundle cannot be written', async () => {
    const { status, err } = await call(['spec', '-b', join(directory, 'none')])
    assert.equal(status, 1)
    assert.match(err, /cannot write .*none\/config\.json: no such file or directory/)
  })
})

describe('features', () => {
  it('is JSON indented by four spaces', async () => {
    const { status, out } = await call(['features'])
    assert.equal(status, 0)
    assert.match(out, /^{\n {4}"ociVersionMin": "1\.0\.0",\n/)
    assert.ok(JSON.parse(out).mountOptions.includes('rro'))
  })
})
