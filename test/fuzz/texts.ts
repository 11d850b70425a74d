/** Targets that are text or bytes: files of /proc, /sys and /etc, messages on sockets, and words of the command line. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RuntimeError } from '../../src/base/errors.ts'
import { parseDuration, parseSize } from '../../src/base/units.ts'
import { readGlobals } from '../../src/cli/argv.ts'
import { parseLimits } from '../../src/host/limits.ts'
import { isCovered, mountOf, parseMountinfo } from '../../src/host/mountinfo.ts'
import { readProcess } from '../../src/host/process.ts'
import { parseStatus } from '../../src/host/status.ts'
import { disjoint, parseGetsubids, parseSubIdFile } from '../../src/host/subid.ts'
import { isInitialMap, parseIdMap } from '../../src/host/userns.ts'
import { FrameQueue, frameBytes } from '../../src/launch/frames.ts'
import { countsOf, listIn, numberIn } from '../../src/linux/cgroups/counters.ts'
import { loadDescriptors } from '../../src/linux/criu/image.ts'
import { decodeResponse, NoMessage } from '../../src/linux/criu/messages.ts'
import { inheritedStdio } from '../../src/linux/criu/process.ts'
import { firstDifference, parseLine } from '../../src/linux/rdt/schemata.ts'
import { parseAddresses } from '../../src/linux/systemd/address.ts'
import { decodeMessage, encodeMessage } from '../../src/linux/systemd/message.ts'
import { escapeName, unitPlace } from '../../src/linux/systemd/names.ts'
import { parseVariant } from '../../src/linux/systemd/property-text.ts'
import { WireError } from '../../src/linux/systemd/signature.ts'
import { findMistake } from '../../src/spec/json.ts'
import { LAST_CPU, parseNumberList } from '../../src/spec/number-list.ts'
import type { Target } from './target.ts'

const place = mkdtempSync(join(tmpdir(), 'usnea-fuzz-'))
process.on('exit', () => rmSync(place, { recursive: true, force: true }))

/** For readers that open the file themselves. */
function asFile(name: string, input: Buffer): string {
  writeFileSync(join(place, name), input)
  return place
}

const size = (list: readonly unknown[]): string => String(Math.min(list.length, 3))

/** The same bytes in one piece and in two must be the same frames. */
function runFrames(input: Buffer): string {
  const read = (chunks: readonly Buffer[]): string => {
    const queue = new FrameQueue()
    try {
      for (const chunk of chunks) queue.push(chunk)
    } catch (error) {
      if (error instanceof RuntimeError) return 'refused'
      throw error
    }
    queue.end()
    const seen: string[] = []
    for (let frame = queue.shift(); frame; frame = queue.shift())
      seen.push(`${frame.message} ${frame.a} ${frame.b} ${frame.payload.toString('base64')}`)
    return seen.join('\n')
  }
  const whole = read([input])
  const half = input.length >> 1
  assert.equal(read([input.subarray(0, half), input.subarray(half)]), whole)
  return [...new Set(whole.split('\n').map((line) => line.split(' ')[0]))].join()
}

function runMessage(input: Buffer): string {
  try {
    const decoded = decodeMessage(input)
    if (decoded === undefined) return 'not whole'
    assert.ok(decoded.length <= input.length)
    return `kind ${decoded.message.kind} ${decoded.message.signature.slice(0, 8)}`
  } catch (error) {
    if (error instanceof WireError) return `refused: ${error.message.replaceAll(/\d+/g, '…').slice(0, 60)}`
    throw error
  }
}

function runResponse(input: Buffer): string {
  try {
    const { pid, notify, ...rest } = decodeResponse(input)
    assert.ok([pid, notify?.pid, rest.errno, rest.version].every((n) => n === undefined || Number.isFinite(n)))
    return `${rest.success} ${Object.keys({ ...rest, ...(notify ?? {}) })}`
  } catch (error) {
    if (error instanceof NoMessage) return 'refused'
    throw error
  }
}

const message = encodeMessage({
  kind: 1,
  serial: 7,
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
  member: 'StartTransientUnit',
  destination: 'org.freedesktop.systemd1',
  signature: 'ssas',
  body: ['a.scope', 'replace', ['x', 'y']],
})

const mountinfo =
  '25 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n30 25 0:26 /a\\040b /mnt/with\\011tab ro,nosuid master:2 propagate_from:3 unbindable - tmpfs tmp\\134fs rw,size=4k\n'

const stat = `7 (a) b ( c) S 1 7 7 0 -1 4194560 ${Array.from({ length: 40 }, (_, n) => n).join(' ')}\n`

export const texts: readonly Target[] = [
  {
    name: 'frames',
    seeds: [
      Buffer.concat([frameBytes('pidBorn', '', 7), frameBytes('ready'), frameBytes('failed', 'why', 3)]),
      frameBytes('weaker', 'x'),
    ],
    run: runFrames,
  },
  { name: 'bus-message', seeds: [message], words: ['a{sv}', '(ii)', 'v'], run: runMessage },
  {
    name: 'criu-response',
    seeds: [
      Buffer.from([8, 2, 16, 1, 34, 3, 8, 172, 2]),
      Buffer.from([8, 6, 16, 1, 42, 8, 10, 4, 112, 111, 115, 116, 16, 7]),
      Buffer.from([8, 1, 16, 0, 56, 13, 74, 2, 110, 111]),
      Buffer.from([8, 10, 16, 1, 82, 6, 8, 3, 16, 17, 32, 2, 66, 2, 16, 1]),
    ],
    run: runResponse,
  },
  {
    name: 'criu-descriptors',
    seeds: ['["pipe:[7]","/dev/pts/0","file[1b:20]"]', '[]', '{}'],
    words: ['pipe:[', 'file[', '"", '],
    run: (input) => {
      const names = loadDescriptors(asFile('descriptors.json', input))
      const inherited = inheritedStdio(names)
      assert.ok(names.length <= 3 && inherited.every(({ fd, key }) => fd < 3 && typeof key === 'string'))
      return size(inherited)
    },
  },
  {
    name: 'bus-variant',
    seeds: ['uint64 5', "['a', 'b']", "('x', true, 0x1f)", "[('a', 1)]", '-5', '@as []', '1.5'],
    words: ['uint32 ', 'int64 ', 'byte ', 'objectpath ', '@a(ss) ', "b'x'", 'true'],
    run: (input) => `${parseVariant(input.toString())?.signature.slice(0, 12)}`,
  },
  {
    name: 'bus-address',
    seeds: ['unix:path=/run/user/1000/bus', 'unix:abstract=/tmp/x,guid=00;unix:path=/a%20b', 'tcp:host=h,port=1'],
    words: ['unix:', 'runtime=yes', '%2', ';'],
    run: (input) => size(parseAddresses(input.toString(), { XDG_RUNTIME_DIR: '/run/user/1000' })),
  },
  {
    name: 'unit-names',
    seeds: ['system.slice:usnea:box', 'a-b-c.slice:x:y', ':usnea:', 'user.slice'],
    words: ['.slice', '--', '-.slice', '\\x2d'],
    run: (input) => {
      const found = unitPlace(input.toString(), 'box')
      assert.doesNotMatch(escapeName(input.toString()), /[/\n ]/)
      return 'wrong' in found ? 'wrong' : 'named'
    },
  },
  {
    name: 'mountinfo',
    seeds: [mountinfo],
    words: [' - ', '\\040', '\\377', 'shared:', '//deleted'],
    run: (input) => {
      const mounts = parseMountinfo(input.toString())
      for (const mount of mounts) {
        assert.equal(typeof mount.target, 'string')
        isCovered(mounts, mount)
      }
      mountOf(mounts, '/mnt/with\ttab/below')
      return size(mounts)
    },
  },
  {
    name: 'stat',
    seeds: [stat, '1 (init) Z 0'],
    words: [') ', ' (', 'X'],
    run: (input) => {
      const found = readProcess(7, asFile('stat', input))
      assert.equal(typeof found?.startTime, 'string')
      return String(Math.min(found?.state.length ?? 0, 3))
    },
  },
  {
    name: 'status',
    seeds: [
      'Name:\tx\nUid:\t1\t2\t3\t4\nGid:\t1\t2\t3\t4\nGroups:\t1 2\nCapEff:\t00000000a80425fb\nCapBnd:\tffffffffffffffff\nNoNewPrivs:\t0\nSeccomp:\t2\n',
    ],
    words: ['Uid:\t', 'CapPrm:\t', 'fffffffffffffffff'],
    run: (input) => Object.keys(parseStatus(input.toString())).join().slice(0, 60),
  },
  {
    name: 'limits',
    seeds: [
      'Limit                     Soft Limit           Hard Limit           Units     \nMax cpu time              unlimited            unlimited            seconds   \nMax open files            1024                 524288               files     \n',
    ],
    words: ['unlimited', 'Max processes '],
    run: (input) => Object.keys(parseLimits(input.toString())).join().slice(0, 60),
  },
  {
    name: 'id-map',
    seeds: ['         0       1000          1\n         1     100000      65536\n', '0 0 4294967295\n'],
    run: (input) => {
      const map = parseIdMap(input.toString())
      for (const { inner, outer, size: count } of map)
        assert.ok([inner, outer, count].every((number) => typeof number === 'number'))
      return `${size(map)} ${isInitialMap(map)}`
    },
  },
  {
    name: 'subid',
    seeds: ['alice:100000:65536\n1000:200000:10\n# comment\n\nbob:x:y\n', '0: alice 100000 65536\n1: alice 200000 5\n'],
    words: ['4294967295', ':0:', '0x10'],
    run: (input) => {
      const rows = parseSubIdFile(input.toString())
      const ranges = disjoint([...rows.map(({ range }) => range), ...parseGetsubids(input.toString())])
      const sorted = [...ranges].sort((a, b) => a.start - b.start)
      for (const [i, { start, size: count }] of sorted.entries())
        assert.ok(start + count <= (sorted[i + 1]?.start ?? Number.POSITIVE_INFINITY), JSON.stringify(ranges))
      return size(ranges)
    },
  },
  {
    name: 'cgroup-files',
    seeds: ['anon 4096\nfile 17\npgfault 0\n', '0-2,5\n', 'max\n', '12345678901234567890\n'],
    words: ['0-4294967295', '5-1', '__proto__ 5'],
    run: (input) => {
      const path = asFile('file', input)
      const counts = countsOf(path, 'file')
      assert.ok(Object.values(counts).every((value) => typeof value === 'bigint'))
      return `${typeof numberIn(path, 'file')} ${size(Object.keys(counts))} ${size(listIn(path, 'file'))}`
    },
  },
  {
    name: 'schemata',
    seeds: ['    L3:0=7ff;1=fff\n    MB:0=100;1=50\n', 'L3CODE:0=f'],
    words: ['SMBA:', '0=', ';'],
    run: (input) => {
      const lines = input.toString().split('\n')
      const parsed = lines.map(parseLine).filter((line) => line !== undefined)
      return `${size(parsed)} ${firstDifference(lines, input.toString(), { step: 10 }) === undefined}`
    },
  },
  {
    name: 'numbers',
    seeds: ['0-3,7', '1s', '10m30s', '2GB', '1.5k', '64MiB'],
    words: ['0-8191', '9'.repeat(40), 'ms'],
    run: (input) => {
      const text = input.toString()
      const list = parseNumberList(text, LAST_CPU)
      assert.ok(list === undefined || list.length <= LAST_CPU + 1)
      const duration = parseDuration(text)
      const bytes = parseSize(text)
      for (const number of [duration, bytes])
        assert.ok(number === undefined || (number >= 0 && Number.isFinite(number)))
      return `${list === undefined} ${duration === undefined} ${bytes === undefined}`
    },
  },
  {
    name: 'json-mistakes',
    isJson: true,
    seeds: ['{"a": [1, 2.5e3, "x\\u0041", true, null], "b": {}}', '[]', '{"a" 1}', '"\\x"'],
    words: ['\\u', '1e', '// x', ',}', "'"],
    run: (input) => {
      const text = input.toString()
      const mistake = findMistake(text)
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      assert.equal(mistake === undefined, isJson, JSON.stringify(mistake))
      return mistake === undefined
        ? 'right'
        : JSON.stringify(mistake)
            .replaceAll(/\d+|near.*/g, '…')
            .slice(0, 60)
    },
  },
  {
    name: 'arguments',
    seeds: ['--root\0/x\0run\0-b\0/y\0id', '--log-format=json\0list', '--net\0host\0--\0ls', '-h'],
    words: ['--', '--root=', '\0--systemd-cgroup\0', '-', '--log\0'],
    run: (input) => {
      const { verb, problem, help } = readGlobals(input.toString().split('\0'))
      return `${verb?.length ?? 'none'} ${problem?.code} ${help}`.slice(0, 40)
    },
  },
]
