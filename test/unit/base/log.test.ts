import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { formatJson, formatTerminal, formatText, type LogLevel, openLog } from '../../../src/base/log.ts'

const directory = mkdtempSync(join(tmpdir(), 'usnea-log-'))
after(() => rmSync(directory, { recursive: true }))
const record = { time: '2026-01-02T03:04:05Z', msg: 'it "broke"\n', level: 'error' }

describe('a record', () => {
  it('in JSON has its keys in alphabetical order', () => {
    assert.equal(
      formatJson({ ...record, file: 'a.ts' }),
      '{"file":"a.ts","level":"error","msg":"it \\"broke\\"\\n","time":"2026-01-02T03:04:05Z"}\n',
    )
  })

  it('in text has time, level and message first', () => {
    assert.equal(
      formatText({ ...record, file: 'a b' }),
      'time="2026-01-02T03:04:05Z" level=error msg="it \\"broke\\"\\n" file="a b"\n',
    )
  })

  it('for a person is short', () => {
    assert.equal(formatTerminal({ ...record, msg: 'x' }, { seconds: 12.7, colour: false }), 'ERRO[0012] x\n')
    assert.equal(
      formatTerminal({ ...record, msg: 'x' }, { seconds: 0, colour: true }),
      '\u001b[31mERRO\u001b[0m[0000] x\n',
    )
    assert.equal(
      formatTerminal({ ...record, msg: 'x', level: 'warning' }, { seconds: 0, colour: false }),
      'WARN[0000] x\n',
    )
  })

  it('is one line of plain text whatever the message holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (msg) => {
        assert.match(formatText({ ...record, msg }), /^[^\p{Cc}]*\n$/u)
        assert.deepEqual(JSON.parse(formatJson({ ...record, msg })), { ...record, msg })
      }),
    )
  })
})

async function recorded(level: LogLevel): Promise<string[]> {
  const file = join(directory, `levels-${level}`)
  const stderr: string[] = []
  const write = (text: string) => void stderr.push(text)
  const log = await openLog({ file, format: 'json', level, stderr: { write, isTerminal: false, colour: false } })
  log.debug('a detail')
  log.info('a fact')
  log.warn('a doubt')
  log.error('trouble in a room')
  log.fail('the end')
  assert.deepEqual(stderr, ['the end\n'])
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => `${JSON.parse(line).level}: ${JSON.parse(line).msg}`)
}

describe('the log file', () => {
  it('holds one error and nothing else by default', async () => {
    assert.deepEqual(await recorded('error'), ['error: the end'])
  })

  it('holds more when more is asked for, and still one error, which is the last line', async () => {
    assert.deepEqual(await recorded('warning'), ['warning: a doubt', 'warning: trouble in a room', 'error: the end'])
    assert.equal((await recorded('info')).length, 4)
    assert.deepEqual((await recorded('debug')).slice(0, 2), ['debug: a detail', 'info: a fact'])
  })

  it('is told about at once when it cannot be opened', async () => {
    const stderr = { write() {}, isTerminal: false, colour: false }
    await assert.rejects(openLog({ file: directory, format: 'text', level: 'error', stderr }), {
      code: 'log-unwritable',
      errno: 'EISDIR',
    })
  })
})

describe('a system log', () => {
  it('gets the record, and stderr the plain words', async () => {
    const [stderr, records]: [string[], unknown[]] = [[], []]
    const write = (text: string) => void stderr.push(text)
    const log = await openLog({
      journal: (entry) => void records.push([entry.level, entry.msg]),
      format: 'text',
      level: 'error',
      stderr: { write, isTerminal: false, colour: false },
    })
    log.fail('the end', 'bare words')
    assert.deepEqual({ stderr, records }, { stderr: ['the end\n'], records: [['error', 'the end']] })
  })
})

describe('bare words', () => {
  const failed = async (isTerminal: boolean, format: 'text' | 'json') => {
    const stderr: string[] = []
    const write = (text: string) => void stderr.push(text)
    const log = await openLog({ format, level: 'error', stderr: { write, isTerminal, colour: false } })
    log.fail('exec /x: no such file or directory; cause: c; fix: f', 'exec /x: no such file or directory')
    return stderr.join('')
  }

  it('are the whole line where nobody reads, and never hide the cause from a person', async () => {
    assert.equal(await failed(false, 'text'), 'exec /x: no such file or directory\n')
    assert.match(await failed(true, 'text'), /^ERRO\[\d+\] exec .*cause: c; fix: f\n$/)
    assert.match(JSON.parse(await failed(false, 'json')).msg, /cause: c; fix: f$/)
  })
})
