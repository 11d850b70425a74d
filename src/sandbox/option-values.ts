/** Values of sandbox options, each checked by itself, and the one error for what is not valid. */
import { resolve } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'

const MAX_TIMEOUT = 2 ** 31 - 1

/** What is not among the names, with the one that was meant. */
export function noneOf(name: unknown, all: readonly string[]): string {
  const meant = typeof name === 'string' ? nearest(name, all) : undefined
  return `${JSON.stringify(name)} is none of ${all.join(', ')}${meant === undefined ? '' : `: did you mean ${meant}?`}`
}

export type Names<Options> = Readonly<Record<keyof Required<Options>, true>>

/** What has no value says nothing. @throws RuntimeError `sandbox-option` for a name that no option has */
export function checkNames(options: object, names: Readonly<Record<string, true>>): void {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'an object is expected')
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(names, name)) continue
    const meant = nearest(name, Object.keys(names))
    throw wrong(name, `there is none of that name${meant === undefined ? '' : `: did you mean ${meant}?`}`)
  }
}

export function wrong(option: string, why: string): RuntimeError {
  return new RuntimeError('sandbox-option', {
    what: `the sandbox option ${option} is not valid: ${why}`,
    origin: option,
  })
}

export function absolute(path: string, option: string, cwd: string): string {
  if (path === '') throw wrong(option, 'an empty path')
  if (path.includes('\0')) throw wrong(option, 'a path with a NUL')
  return resolve(cwd, path)
}

export function checkEnv(env: Readonly<Record<string, string | undefined>>) {
  if (typeof env !== 'object' || env === null || Array.isArray(env))
    throw wrong('env', 'an object of names and texts is expected')
  for (const [name, value] of Object.entries(env)) {
    if (name === '' || /[=\0]/.test(name)) throw wrong('env', `the name ${JSON.stringify(name)}`)
    if (value !== undefined && (typeof value !== 'string' || value.includes('\0')))
      throw wrong('env', `the value of ${JSON.stringify(name)} is no text, or has a NUL`)
  }
  return env
}

export function checkText(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw wrong(option, 'a text is expected')
}

export function checkTexts(option: string, value: unknown): void {
  if (!Array.isArray(value) || value.some((one) => typeof one !== 'string'))
    throw wrong(option, 'a list of texts is expected')
}

export function checkTimeout(timeout: number | undefined, option = 'timeout'): number | undefined {
  if (timeout === undefined) return undefined
  // more than 31 bits and a timer of Node fires at once
  if (!Number.isFinite(timeout) || timeout <= 0 || timeout > MAX_TIMEOUT)
    throw wrong(option, `${timeout} is no time in milliseconds from 1 to ${MAX_TIMEOUT}`)
  return timeout
}
