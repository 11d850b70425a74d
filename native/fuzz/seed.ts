/** Writes one good plan of each kind, so that the fuzzer begins where the decoder is deep. Argument: the directory. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Op } from '../../src/kernel/plan.ts'
import { opShapes } from '../../src/kernel/plan-def.ts'
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
