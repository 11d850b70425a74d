/** Classic BPF as seccomp(2) takes it: the few instructions that a filter needs, and its bytes. */

/** `jt` and `jf`: how many instructions a jump passes over, 0 to 255. */
export interface Instruction {
  readonly code: number
  readonly jt: number
  readonly jf: number
  /** Unsigned, 32 bits. */
  readonly k: number
}

/** linux/bpf_common.h: class, size and mode, or class, operation and source, as one number. */
export const LOAD = 0x20 // LD | W | ABS
export const AND = 0x54 // ALU | AND | K
export const JUMP = 0x05 // JMP | JA
export const JEQ = 0x15 // JMP | JEQ | K
export const JGT = 0x25
export const JGE = 0x35
export const RETURN = 0x06 // RET | K

/** BPF_MAXINSNS: the kernel takes no longer program. */
export const MAX_INSTRUCTIONS = 4096

const FAR = 255

const plain = (code: number, k: number): Instruction => ({ code, jt: 0, jf: 0, k })

export const load = (offset: number): Instruction => plain(LOAD, offset)
export const and = (mask: number): Instruction => plain(AND, mask)
export const give = (verdict: number): Instruction => plain(RETURN, verdict)

/** `matching` where the accumulator is equal to (or, with JGE, at least) `k`; `otherwise` stands first, and must not fall through. */
export function branch(code: typeof JEQ | typeof JGE, k: number, sides: Sides): Instruction[] {
  const { matching, otherwise } = sides
  const test =
    otherwise.length <= FAR
      ? [{ code, jt: otherwise.length, jf: 0, k }]
      : [{ code, jt: 0, jf: 1, k }, plain(JUMP, otherwise.length)]
  return [...test, ...otherwise, ...matching]
}

export interface Sides {
  readonly matching: readonly Instruction[]
  readonly otherwise: readonly Instruction[]
}

/** 16 hexadecimal digits an instruction: struct sock_filter, little-endian. */
export function programText(program: readonly Instruction[]): string {
  const bytes = Buffer.alloc(program.length * 8)
  program.forEach(({ code, jt, jf, k }, place) => {
    bytes.writeUInt16LE(code, place * 8)
    bytes.writeUInt8(jt, place * 8 + 2)
    bytes.writeUInt8(jf, place * 8 + 3)
    bytes.writeUInt32LE(k, place * 8 + 4)
  })
  return bytes.toString('hex')
}
