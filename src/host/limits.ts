/** /proc/self/limits under the names of the OCI specification, getrlimit(2). */
import { type Host, RLIM_INFINITY } from './facts.ts'
import { readText } from './file.ts'

const names: Readonly<Record<string, string>> = {
  'Max cpu time': 'RLIMIT_CPU',
  'Max file size': 'RLIMIT_FSIZE',
  'Max data size': 'RLIMIT_DATA',
  'Max stack size': 'RLIMIT_STACK',
  'Max core file size': 'RLIMIT_CORE',
  'Max resident set': 'RLIMIT_RSS',
  'Max processes': 'RLIMIT_NPROC',
  'Max open files': 'RLIMIT_NOFILE',
  'Max locked memory': 'RLIMIT_MEMLOCK',
  'Max address space': 'RLIMIT_AS',
  'Max file locks': 'RLIMIT_LOCKS',
  'Max pending signals': 'RLIMIT_SIGPENDING',
  'Max msgqueue size': 'RLIMIT_MSGQUEUE',
  'Max nice priority': 'RLIMIT_NICE',
  'Max realtime priority': 'RLIMIT_RTPRIO',
  'Max realtime timeout': 'RLIMIT_RTTIME',
}

export function readLimits(proc: string): Host['rlimits'] {
  return parseLimits(readText(`${proc}/self/limits`) ?? '')
}

export function parseLimits(text: string): Host['rlimits'] {
  const limits: Record<string, { soft: bigint; hard: bigint }> = {}
  for (const line of text.split('\n')) {
    const [, label, soft, hard] = /^(Max [a-z ]+?)\s+(\d+|unlimited)\s+(\d+|unlimited)/.exec(line) ?? []
    const name = names[label ?? '']
    if (name !== undefined && soft !== undefined && hard !== undefined) {
      limits[name] = { soft: value(soft), hard: value(hard) }
    }
  }
  return limits
}

const value = (text: string): bigint => (text === 'unlimited' ? RLIM_INFINITY : BigInt(text))
