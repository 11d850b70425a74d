/** Writes one good plan of each kind, so that the fuzzer begins where the decoder is deep. Argument: the directory. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Op } from '../../src/kernel/plan.ts'
import { opShapes, planSum } from '../../src/kernel/plan-def.ts'
import { encode } from '../../src/launch/encode.ts'

const [directory = 'native/build/seeds'] = process.argv.slice(2)
mkdirSync(directory, { recursive: true })

/** An op of each name with arguments of the right kind, in the order of plan.def, which is the order of phases. */
function sample(name: keyof typeof opShapes): Op {
  const values = { U64: 1, STR: '/etc/hostname', LIST: ['one', 'two'] }
  const args = Object.fromEntries(opShapes[name].args.map(([arg, kind]) => [arg, values[kind]]))
  return { op: name, origin: '/fuzz', ...args } as unknown as Op
}

const names = (Object.keys(opShapes) as (keyof typeof opShapes)[]).filter((name) => !['rootHere', 'rootScratch', 'exec'].includes(name))
writeFileSync(join(directory, 'all'), encode(names.map(sample)))
writeFileSync(join(directory, 'small'), encode(['born', 'rootHere', 'exec'].map((name) => sample(name as keyof typeof opShapes))))

/** What the observer is told: two filters of one instruction, a call, a port and a rule. */
const word = (...numbers: number[]) => Buffer.from(Uint32Array.from(numbers).buffer)
const rule = Buffer.from('/etc')
const wish = Buffer.concat([
  word(planSum, 31, 2, 1, 1, 1, 1, 1),
  word(6, 0x7fff0000),
  word(6, 0x7fff0000),
  word(0xc000003e, 257, 0x01000001, 0xff02ff02),
  word(443),
  word('h'.charCodeAt(0), rule.length),
  rule,
  Buffer.alloc(1),
])
const observed = join(directory, '../observe-seeds')
mkdirSync(observed, { recursive: true })
writeFileSync(join(observed, 'wish'), wish)
for (const path of ['/proc/self/fd/3/../x', '../a/./b//c', '/dev/fd/0']) writeFileSync(join(observed, path.replaceAll('/', '_')), path)
