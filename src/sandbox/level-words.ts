/** The words in which a caller speaks of levels: which one, what must be had, and what may be lost. */
import { type Level, levels } from '../host/level.ts'
import { wrong } from './option-values.ts'

/** What `require` can name. */
export const demandable = [
  'userns',
  'pidns',
  'mountns',
  'ipcns',
  'utsns',
  'netns',
  'proc',
  'seccomp',
  'subids',
  'cgroups',
] as const
export type Demanded = (typeof demandable)[number]

/** What is let go by its name: `accept`. */
export const acceptable = {
  metadata:
    'the command may change mode, owner, times and attributes of every file of this user: Landlock does not ask about them',
  'unix-sockets':
    'the command may connect to every unix socket that this user may: Landlock does not ask about those with a path',
  protect: 'dangerous files in writable directories (.git/hooks, …) may be changed',
  limits: 'a limit that nothing here can hold is not held',
  signals: 'the command may signal other processes of this user',
  devices: 'the command may drive device nodes that it may open by ioctl',
  '32-bit': 'programs of 32 bits run, and with their way to call the kernel sockets of every family can be made',
  truncate: 'the command may truncate files outside of its writable paths, where this user may write to them',
} as const

export type Acceptable = keyof typeof acceptable

export const isLevel = (name: unknown): name is Level => levels.some((level) => level === name)

/** The weakest level that will do. @throws RuntimeError `sandbox-option` */
export function checkLevel(level: unknown): Level {
  if (level === undefined) return 'U0'
  const name = typeof level === 'string' ? level.toUpperCase() : level
  if (!isLevel(name) || name === 'X')
    throw wrong('min-level', `${JSON.stringify(level)} is none of ${levels.slice(1).join(' ')}`)
  return name
}
