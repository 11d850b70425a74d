/** `usnea update`: other limits for a container. Only what is named changes. */
import { readFileSync } from 'node:fs'
import { errnoOf, RuntimeError } from '../../base/errors.ts'
import { parseSize } from '../../base/units.ts'
import type { Resources } from '../../spec/types.ts'
import { defineCommand } from '../command.ts'
import type { Flag, Values } from '../flags.ts'
import { given } from '../given.ts'

const updateFlags = [
  { name: 'resources', short: 'r', kind: 'text', value: 'FILE', help: 'read them as JSON from a file, or - for stdin' },
  { name: 'memory', kind: 'text', value: 'SIZE', help: 'limit of memory, such as 512m; -1 for none' },
  { name: 'memory-reservation', kind: 'text', value: 'SIZE', help: 'what is kept free for it' },
  { name: 'memory-swap', kind: 'text', value: 'SIZE', help: 'limit of memory and swap together' },
  { name: 'cpu-share', kind: 'text', value: 'N', help: 'weight beside others (1024)' },
  { name: 'cpu-period', kind: 'text', value: 'US', help: 'period of the quota in microseconds' },
  { name: 'cpu-quota', kind: 'text', value: 'US', help: 'processor time in a period; -1 for no limit' },
  { name: 'cpu-burst', kind: 'text', value: 'US', help: 'what may be saved up' },
  { name: 'cpu-rt-period', kind: 'text', value: 'US', help: 'period of real-time' },
  { name: 'cpu-rt-runtime', kind: 'text', value: 'US', help: 'real-time in a period' },
  { name: 'cpu-idle', kind: 'text', value: '0|1', help: 'run only when nobody else wants to' },
  { name: 'cpuset-cpus', kind: 'text', value: 'LIST', help: 'processors, such as 0-3,7' },
  { name: 'cpuset-mems', kind: 'text', value: 'LIST', help: 'memory nodes' },
  { name: 'blkio-weight', kind: 'text', value: 'N', help: 'weight of block I/O, 10 to 1000' },
  { name: 'pids-limit', kind: 'text', value: 'N', help: 'limit of processes; -1 for none' },
  { name: 'l3-cache-schema', kind: 'text', value: 'TEXT', help: 'Intel RDT: bits of the L3 cache, such as L3:0=ff' },
  { name: 'mem-bw-schema', kind: 'text', value: 'TEXT', help: 'Intel RDT: share of bandwidth, such as MB:0=20' },
  { name: 'kernel-memory', kind: 'text', help: 'ignored', status: 'ignored' },
  { name: 'kernel-memory-tcp', kind: 'text', help: 'ignored', status: 'ignored' },
] as const satisfies readonly Flag[]

type UpdateValues = Values<typeof updateFlags>

const MAX_TEXT = 1 << 24

export const command = defineCommand({
  name: 'update',
  usage: 'ID',
  summary: 'change limits of a container; what is not named stays',
  flags: updateFlags,
  count: [1, 1],
  async run({ flags, args: [id = ''] }, session) {
    const { readResources, update } = await import('../../container/update.ts')
    const { resources } = flags
    const wanted = resources ? readResources(readSource(resources, (path) => session.path(path))) : fromFlags(flags)
    const rdt = given({
      l3CacheSchema: flags['l3-cache-schema'] || undefined,
      memBwSchema: flags['mem-bw-schema'] || undefined,
    })
    await update(await session.context(), id, { resources: wanted, rdt })
    return 0
  },
})

function readSource(source: string, absolute: (path: string) => string): string {
  try {
    const text = readFileSync(source === '-' ? 0 : absolute(source), 'utf8')
    if (text.length > MAX_TEXT) throw new RuntimeError('resources-invalid', { what: 'the resources are too long' })
    return text
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause
    const errno = errnoOf(cause)
    const what = source === '-' ? 'stdin cannot be read' : `${source} cannot be read`
    throw new RuntimeError('resources-invalid', { what, ...(errno ? { errno } : {}), cause })
  }
}

/** Everything is text until here, so that a wrong value is told with the option's name. Throws `usage`. */
function fromFlags(flags: UpdateValues): Resources {
  const whole = (name: keyof UpdateValues) =>
    read(name, flags[name], (text) => (/^-?\d+$/.test(text) ? Number(text) : undefined))
  const size = (name: keyof UpdateValues) => read(name, flags[name], (text) => (text === '-1' ? -1 : parseSize(text)))
  return {
    memory: given({ limit: size('memory'), reservation: size('memory-reservation'), swap: size('memory-swap') }),
    cpu: given({
      shares: whole('cpu-share'),
      period: whole('cpu-period'),
      quota: whole('cpu-quota'),
      burst: whole('cpu-burst'),
      realtimePeriod: whole('cpu-rt-period'),
      realtimeRuntime: whole('cpu-rt-runtime'),
      idle: whole('cpu-idle'),
      cpus: flags['cpuset-cpus'],
      mems: flags['cpuset-mems'],
    }),
    blockIO: given({ weight: whole('blkio-weight') }),
    pids: given({ limit: whole('pids-limit') }),
  }
}

function read(name: string, text: string | undefined, parse: (text: string) => number | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  const value = parse(text)
  if (value !== undefined && Number.isSafeInteger(value)) return value
  throw new RuntimeError('usage', { what: `invalid value for ${name}: ${JSON.stringify(text)}` })
}
