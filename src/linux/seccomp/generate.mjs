// Writes syscall-data.ts: the numbers of all system calls, as the kernel's user headers define them.
// node src/linux/seccomp/generate.mjs X86-INCLUDE ARM64-INCLUDE ARM-INCLUDE
// Debian: /usr/include/x86_64-linux-gnu, and below /usr/aarch64-linux-gnu and /usr/arm-linux-gnueabihf the `include`
// directories of linux-libc-dev-arm64-cross and linux-libc-dev-armhf-cross. Needs a C compiler, only to expand macros.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

const X32_BIT = 0x4000_0000
const [x86, arm64, arm] = process.argv.slice(2)
const sources = [
  { include: x86, defines: [] },
  { include: x86, defines: ['-U__x86_64__', '-D__i386__=1'] },
  { include: x86, defines: ['-D__ILP32__=1'] },
  { include: arm64, defines: [] },
  { include: arm, defines: ['-D__ARM_EABI__=1'] },
]

/** Since 5.4 a new system call has the same number everywhere; these are younger than the headers of most systems. */
const unified = [
  'cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount lsm_get_self_attr',
  'lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat removexattrat open_tree_attr',
  'file_getattr file_setattr listns',
]
const FIRST_UNIFIED = 451

/** Of one or two architectures only, by the column of the table. The last six: arch/arm/include/uapi/asm/unistd.h. */
const special = {
  uretprobe: { 0: 335, 2: 335 },
  uprobe: { 0: 336, 2: 336 },
  breakpoint: { 4: 0xf0001 },
  cacheflush: { 4: 0xf0002 },
  usr26: { 4: 0xf0003 },
  usr32: { 4: 0xf0004 },
  set_tls: { 4: 0xf0005 },
  get_tls: { 4: 0xf0006 },
}

/** No system calls, but bounds and bases. */
const noCalls = new Set(['syscalls', 'SYSCALL_MASK', 'SYSCALL_BASE', 'OABI_SYSCALL_BASE', 'arch_specific_syscall'])

function numbersOf({ include, defines }) {
  const common = include.replace(/\/[^/]*-linux-gnu[^/]*$/, '')
  const flags = ['-E', '-P', '-nostdinc', '-I', include, '-I', common, ...defines, '-x', 'c', '-']
  const run = (input, more) => execFileSync('cc', [...more, ...flags], { input, encoding: 'utf8' })
  const macros = run('#include <asm/unistd.h>\n', ['-dM'])
  const names = [...macros.matchAll(/^#define __NR_(\w+) /gm)]
    .map(([, name]) => name)
    .filter((name) => !noCalls.has(name))
  const values = run(`#include <asm/unistd.h>\n${names.map((name) => `@${name} __NR_${name}\n`).join('')}`, [])
  return new Map(
    [...values.matchAll(/^@(\w+) (.+)$/gm)].map(([, name, value]) => {
      const number = value.split('+').reduce((sum, part) => sum + Number(part.replace(/[()\s]/g, '')), 0)
      if (!Number.isInteger(number)) throw new Error(`${name} is ${value}`)
      return [name, number & ~X32_BIT]
    }),
  )
}

const tables = sources.map(numbersOf)
unified
  .join(' ')
  .split(' ')
  .forEach((name, place) => {
    for (const table of tables) table.set(name, FIRST_UNIFIED + place)
  })
for (const [name, numbers] of Object.entries(special))
  for (const [column, number] of Object.entries(numbers)) tables[column].set(name, number)

const names = [...new Set(tables.flatMap((table) => [...table.keys()]))].sort()
const words = names.map((name) => {
  const numbers = tables.map((table) => table.get(name) ?? '')
  return `${name}=${numbers.every((number) => number === numbers[0]) ? numbers[0] : numbers.join()}`
})
const lines = ['']
for (const word of words) {
  if (lines.at(-1).length + word.length > 116) lines.push('')
  lines.push(`${lines.pop()}${word} `)
}
const text = lines.map((line) => line.trimEnd()).join('\n')
writeFileSync(
  new URL('syscall-data.ts', import.meta.url),
  `/**
 * Written by generate.mjs from the kernel's user headers. NAME=x86_64,i386,x32,arm64,arm: the numbers, empty where an
 * architecture lacks the call; one number where all agree. x32 is without its bit 30.
 */
export const syscallData = \`
${text}
\`
`,
)
