/** What an OCI runtime says it can do: asked with a deadline, judged, and never believed blindly. */
import { isTable } from '../config/shape.ts'
import type { ResolvedOci } from './entry.ts'
import { type ProbeResult, probe } from './probe.ts'

/** The answer of `features`, as far as it is checked; the rest is the runtime's own (runtime-spec, "Features Structure"). */
export interface RuntimeFeatures {
  readonly ociVersionMin: string
  readonly ociVersionMax: string
  readonly hooks?: readonly string[]
  readonly mountOptions?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux?: Readonly<Record<string, unknown>>
  readonly [key: string]: unknown
}

/**
 * `unsupported`: a runtime that knows no such verb, such as runc 1.0. `failed`: it hung, crashed or lied; the reason is
 * for people.
 */
export type FeaturesAnswer =
  | { readonly kind: 'known'; readonly features: RuntimeFeatures }
  | { readonly kind: 'unsupported'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

export interface AskWish {
  /** Milliseconds until it is killed with all its children; 3 seconds when absent. */
  readonly timeout?: number
  readonly env: Readonly<Record<string, string | undefined>>
}

const PATIENCE = 3000

/** Never throws: what is wrong with a runtime is in the answer. */
export async function askFeatures(
  { path, args }: Pick<ResolvedOci, 'path' | 'args'>,
  { timeout = PATIENCE, env }: AskWish,
): Promise<FeaturesAnswer> {
  // Nothing else of our environment has a say in what a runtime can do.
  const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin', HOME = '/', XDG_RUNTIME_DIR } = env
  const result = await probe({
    path,
    args: [...args, 'features'],
    env: { PATH, HOME, ...(XDG_RUNTIME_DIR === undefined ? {} : { XDG_RUNTIME_DIR }) },
    timeout,
  })
  return judge(result, timeout)
}

function judge(result: ProbeResult, timeout: number): FeaturesAnswer {
  const { status, signal, stdout, stderr, broken } = result
  const said = stderr === '' ? '' : `: ${stderr.replace(/\s*\n\s*/g, ' ')}`
  if (broken === 'timeout') return failed(`it did not answer within ${timeout} ms and was killed`)
  if (broken === 'flood') return failed('it answered with more than a mebibyte')
  if (broken !== undefined) return failed(`it could not be started: ${broken}`)
  if (signal !== null) return failed(`it was ended by ${signal}${said}`)
  // What the shell, and a script that stands for a runtime, say when there is nothing to run.
  if (status === 126 || status === 127) return failed(`it could not be run: exit status ${status}${said}`)
  if (status !== 0) return { kind: 'unsupported', reason: `exit status ${status}${said}` }
  return readFeatures(stdout)
}

const failed = (reason: string): FeaturesAnswer => ({ kind: 'failed', reason })

/** Judges an answer: a runtime that says nonsense about itself is not believed in anything. */
export function readFeatures(text: string): FeaturesAnswer {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return failed('its answer is not JSON')
  }
  if (!isTable(value)) return failed('its answer is no JSON object')
  const wrong = whyNotFeatures(value)
  return wrong === undefined
    ? { kind: 'known', features: value as RuntimeFeatures }
    : failed(`its answer is wrong: ${wrong}`)
}

function whyNotFeatures(value: Readonly<Record<string, unknown>>): string | undefined {
  const [least, most] = [readVersion(value.ociVersionMin), readVersion(value.ociVersionMax)]
  if (least === undefined) return 'ociVersionMin is no version'
  if (most === undefined) return 'ociVersionMax is no version'
  if (compare(least, most) > 0) return 'ociVersionMin is higher than ociVersionMax'
  const isTexts = (part: unknown) => Array.isArray(part) && part.every((one) => typeof one === 'string')
  const listed = ['hooks', 'mountOptions'].find((key) => value[key] != null && !isTexts(value[key]))
  if (listed !== undefined) return `${listed} is no list of texts`
  const tables = ['linux', 'annotations'].find((key) => value[key] != null && !isTable(value[key]))
  return tables === undefined ? undefined : `${tables} is no object`
}

type Version = readonly [major: number, minor: number, patch: number]

/** Only what compares matters: `1.0.2-dev` counts as 1.0.2. */
function readVersion(value: unknown): Version | undefined {
  const found = typeof value === 'string' ? /^(\d+)\.(\d+)\.(\d+)(?:[-+][\w.+-]*)?$/.exec(value) : null
  return found === null ? undefined : [Number(found[1]), Number(found[2]), Number(found[3])]
}

const compare = (a: Version, b: Version): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
