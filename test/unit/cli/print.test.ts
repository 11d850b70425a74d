import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFormat } from '../../../src/cli/print/format.ts'
import { printIds, printListJson, printListTable } from '../../../src/cli/print/list.ts'
import { filterProcesses } from '../../../src/cli/print/ps.ts'
import { stateText } from '../../../src/container/state-text.ts'

const running = {
  owner: 'anna',
  annotations: { 'org.example.a': 'b' },
  created: '2026-01-02T03:04:05.678901234Z',
  rootfs: '/b/rootfs',
  bundle: '/b',
  status: 'running' as const,
  pid: 4711,
  id: 'box',
  ociVersion: '1.3.0',
}
const stopped = {
  ...running,
  id: 'a-box-with-a-long-name',
  pid: 0,
  status: 'stopped' as const,
  annotations: {},
  owner: '#1000',
}

describe('state', () => {
  it('has the keys of runc in its order, two spaces, and no newline at the end', () => {
    assert.equal(
      stateText(running),
      `{
  "ociVersion": "1.3.0",
  "id": "box",
  "pid": 4711,
  "status": "running",
  "bundle": "/b",
  "rootfs": "/b/rootfs",
  "created": "2026-01-02T03:04:05.678901234Z",
  "annotations": {
    "org.example.a": "b"
  },
  "owner": "anna"
}`,
    )
  })

  it('leaves empty annotations out', () => {
    assert.equal('annotations' in JSON.parse(stateText(stopped)), false)
  })
})

describe('list', () => {
  it('is laid out as runc does it', () => {
    assert.equal(printListTable([]), 'ID          PID         STATUS      BUNDLE      CREATED     OWNER\n')
    assert.equal(
      printListTable([running, stopped]),
      `ID                       PID         STATUS      BUNDLE      CREATED                          OWNER
box                      4711        running     /b          2026-01-02T03:04:05.678901234Z   anna
a-box-with-a-long-name   0           stopped     /b          2026-01-02T03:04:05.678901234Z   #1000
`,
    )
  })

  it('is one line of JSON, and an empty array when there are none', () => {
    assert.equal(printListJson([]), '[]\n')
    const text = printListJson([running, stopped])
    assert.equal(text.indexOf('\n'), text.length - 1)
    assert.deepEqual(Object.keys(JSON.parse(text)[0]), Object.keys(JSON.parse(stateText(running))))
  })

  it('is bare ids when asked to be quiet', () => {
    assert.equal(printIds([running, stopped]), 'box\na-box-with-a-long-name\n')
    assert.equal(printIds([]), '')
  })
})

describe('ps', () => {
  const output =
    'UID          PID    PPID CMD\nroot           1       0 init 4711\nanna        4711       1 sleep 60\nanna        4712    4711 sh\n'

  it('keeps the rows of the container', () => {
    assert.equal(filterProcesses(output, [4711]), 'UID          PID    PPID CMD\nanna        4711       1 sleep 60\n')
    assert.equal(filterProcesses(output, []), 'UID          PID    PPID CMD\n')
  })

  it('finds the column wherever it is', () => {
    assert.equal(filterProcesses('    PID CMD\n      1 a\n   4712 b', [4712]), '    PID CMD\n   4712 b\n')
  })

  it('fails when the options leave no PID column', () => {
    assert.throws(() => filterProcesses('USER CMD\nroot init\n', [1]), /couldn't find PID field in ps output/)
  })
})

it('a format is table or json', () => {
  assert.equal(readFormat({ format: undefined, json: false }), 'table')
  assert.equal(readFormat({ format: 'table', json: false }), 'table')
  assert.equal(readFormat({ format: 'json', json: false }), 'json')
  for (const format of [undefined, 'table', 'json']) assert.equal(readFormat({ format, json: true }), 'json')
  for (const text of ['', 'JSON', 'yaml'])
    assert.throws(() => readFormat({ format: text, json: true }), /invalid format option/)
})
