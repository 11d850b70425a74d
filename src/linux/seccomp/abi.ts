/** The ways to call the kernel that a filter tells apart: seccomp(2), linux/audit.h. */
import type { Host } from '../../host/facts.ts'
import { syscallData } from './syscall-data.ts'

export type Abi = 'x86_64' | 'i386' | 'x32' | 'arm64' | 'arm'

export interface AbiFacts {
  /** `arch` of struct seccomp_data. x32 has that of x86-64, and bit 30 in its numbers. */
  readonly audit: number
  /** Bits of an argument that are compared. The registers of x32 are wider, but libseccomp compares 32 as well. */
  readonly bits: 32 | 64
  /** Added to every number. */
  readonly base: number
  /** Calls that are also reached through socketcall(2) and ipc(2). */
  readonly isMultiplexed: boolean
}

export const X32_BASE = 0x4000_0000
const AUDIT_X86_64 = 0xc000_003e

export const abis: Readonly<Record<Abi, AbiFacts>> = {
  x86_64: { audit: AUDIT_X86_64, bits: 64, base: 0, isMultiplexed: false },
  i386: { audit: 0x4000_0003, bits: 32, base: 0, isMultiplexed: true },
  x32: { audit: AUDIT_X86_64, bits: 32, base: X32_BASE, isMultiplexed: false },
  arm64: { audit: 0xc000_00b7, bits: 64, base: 0, isMultiplexed: false },
  arm: { audit: 0x4000_0028, bits: 32, base: 0, isMultiplexed: false },
}

/** Also the order of the columns of the table. */
const order: readonly Abi[] = ['x86_64', 'i386', 'x32', 'arm64', 'arm']

/** What a kernel of this kind can be called by: its own way first. */
const families: Readonly<Record<Host['arch'], readonly Abi[]>> = {
  x64: ['x86_64', 'i386', 'x32'],
  arm64: ['arm64', 'arm'],
  other: [],
}

const names: Readonly<Record<string, Abi>> = {
  SCMP_ARCH_X86_64: 'x86_64',
  SCMP_ARCH_X86: 'i386',
  SCMP_ARCH_X32: 'x32',
  SCMP_ARCH_AARCH64: 'arm64',
  SCMP_ARCH_ARM: 'arm',
}

/**
 * The machine's own way, always, and the named others that its kernel can have. Whatever is left out is never seen on
 * this machine, or is killed.
 */
export function abisOf(architectures: readonly string[], arch: Host['arch']): readonly Abi[] {
  const named = new Set(architectures.map((name) => names[name]))
  return families[arch].filter((abi, place) => place === 0 || named.has(abi))
}

type Numbers = readonly (number | undefined)[]

let table: ReadonlyMap<string, Numbers> | undefined

function numbersOf(name: string): Numbers | undefined {
  table ??= new Map(
    syscallData
      .trim()
      .split(/\s+/)
      .map((word) => {
        const [key = '', values = ''] = word.split('=')
        const numbers = values.split(',').map((value) => (value === '' ? undefined : Number(value)))
        return [key, numbers.length === 1 ? order.map(() => numbers[0]) : numbers]
      }),
  )
  return table.get(name)
}

/** Is there such a system call, on any of these architectures? */
export const isSyscall = (name: string): boolean => numbersOf(name) !== undefined

/** Without the base of its architecture; undefined where it is missing there. */
export const syscallNumber = (name: string, abi: Abi): number | undefined => numbersOf(name)?.[order.indexOf(abi)]

/** The name of a number, without the base of its architecture; undefined where none is known. */
export function syscallName(number: number, abi: Abi): string | undefined {
  numbersOf('read') // reads the table
  const place = order.indexOf(abi)
  for (const [name, numbers] of table ?? []) if (numbers[place] === number) return name
  return undefined
}
