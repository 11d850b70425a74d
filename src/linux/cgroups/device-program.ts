/** A device guard as a program for the kernel: BPF_PROG_TYPE_CGROUP_DEVICE of bpf(2), the devices controller of v2. Pure. */
import type { DeviceException, DeviceGuard } from './devices.ts'

/** Bytes of struct bpf_insn: opcode, two registers, offset, immediate. */
const SIZE = 8

interface Instruction {
  readonly code: number
  readonly dst: number
  readonly src: number
  readonly offset: number
  readonly value: number
}

// linux/bpf.h and linux/bpf_common.h
const LDX_W = 0x61
const MOV64_IMM = 0xb7
const AND32_IMM = 0x54
const RSH32_IMM = 0x74
const JEQ_IMM = 0x15
const JNE_IMM = 0x55
const JNE_REG = 0x5d
const MOV32_REG = 0xbc
const EXIT = 0x95

/** BPF_DEVCG_ACC_*, BPF_DEVCG_DEV_* */
const accessBits: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 }
const typeBits = { b: 1, c: 2 } as const

/** r0 answer · r1 context, later scratch · r2 type · r3 access · r4 major · r5 minor */
const make = (code: number, dst: number, rest: Partial<Instruction> = {}): Instruction => ({
  code,
  dst,
  src: 0,
  offset: 0,
  value: 0,
  ...rest,
})

/**
 * The context (struct bpf_cgroup_dev_ctx) is access_type = access << 16 | type, major, minor. Each exception is a block
 * that jumps to the next one when it does not match. Under "deny" an exception must hold all that is wanted; under "allow"
 * it is enough to want one thing that it takes away.
 */
export function deviceProgram({ default: mode, exceptions }: DeviceGuard): Uint8Array {
  const code: Instruction[] = [
    make(LDX_W, 2, { src: 1, offset: 0 }),
    make(AND32_IMM, 2, { value: 0xffff }),
    make(LDX_W, 3, { src: 1, offset: 0 }),
    make(RSH32_IMM, 3, { value: 16 }),
    make(LDX_W, 4, { src: 1, offset: 4 }),
    make(LDX_W, 5, { src: 1, offset: 8 }),
  ]
  for (const exception of exceptions) code.push(...block(exception, mode))
  code.push(make(MOV64_IMM, 0, { value: mode === 'allow' ? 1 : 0 }), make(EXIT, 0))
  return assemble(code)
}

function block({ type, major, minor, access }: DeviceException, mode: DeviceGuard['default']): Instruction[] {
  const mask = [...access].reduce((bits, letter) => bits | (accessBits[letter] ?? 0), 0)
  const answer = [make(MOV64_IMM, 0, { value: mode === 'deny' ? 1 : 0 }), make(EXIT, 0)]
  const tests: Instruction[] = [make(JNE_IMM, 2, { value: typeBits[type] })]
  if (major >= 0) tests.push(make(JNE_IMM, 4, { value: major }))
  if (minor >= 0) tests.push(make(JNE_IMM, 5, { value: minor }))
  const wanted = [make(MOV32_REG, 1, { src: 3 }), make(AND32_IMM, 1, { value: mask })]
  // All that is wanted is in the mask, or for the other mode: some of it is.
  const compare = mode === 'deny' ? [make(JNE_REG, 1, { src: 3 })] : [make(JEQ_IMM, 1, { value: 0 })]
  const whole = [...tests, ...wanted, ...compare, ...answer]
  return whole.map((one, i) => (jumps.has(one.code) ? { ...one, offset: whole.length - 1 - i } : one))
}

const jumps = new Set([JNE_IMM, JNE_REG, JEQ_IMM])

function assemble(code: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(code.length * SIZE))
  for (const [i, { code: opcode, dst, src, offset, value }] of code.entries()) {
    bytes.setUint8(i * SIZE, opcode)
    bytes.setUint8(i * SIZE + 1, dst | (src << 4))
    bytes.setInt16(i * SIZE + 2, offset, true)
    bytes.setInt32(i * SIZE + 4, value, true)
  }
  return new Uint8Array(bytes.buffer)
}
