/** The five capability sets as masks, reduced to what we may hand out. capabilities(7) */
import type { Host } from '../../host/facts.ts'
import { capabilityNumber } from '../../kernel/constants.ts'
import type { Capabilities } from '../../spec/types.ts'

const CAP_MKNOD = 1n << 27n
const ALL = 0xffff_ffff_ffff_ffffn

export interface Surroundings {
  readonly ownsUserNamespace: boolean
  /** Does a device cgroup keep what a node names from being opened? */
  readonly guardsDevices: boolean
}

/**
 * What we may hand out: everything in a user namespace of its own; elsewhere what we hold. For real root CAP_MKNOD is
 * among it only where device rules hold: without them a node that the container makes is the host's device. In a user
 * namespace the kernel refuses such nodes itself.
 */
export function availableCapabilities(
  { lastCap, capEffective, inUserNamespace }: Host,
  { ownsUserNamespace, guardsDevices }: Surroundings,
): bigint {
  if (ownsUserNamespace) return ALL >> BigInt(63 - lastCap)
  return inUserNamespace || guardsDevices ? capEffective : capEffective & ~CAP_MKNOD
}

export interface Masks {
  readonly bounding: bigint
  readonly effective: bigint
  readonly permitted: bigint
  readonly inheritable: bigint
  readonly ambient: bigint
  /** Names that were asked for and that we do not hold. */
  readonly missing: readonly string[]
  /** Names of the ambient set that the others do not allow in it. */
  readonly notAmbient: readonly string[]
}

/** Unknown names have been warned about by `validate`, and count for nothing here. */
function maskOf(names: readonly string[] = []): bigint {
  return names.reduce((mask, name) => {
    const number = capabilityNumber(name)
    return number === undefined ? mask : mask | (1n << BigInt(number))
  }, 0n)
}

/** Without the object the program gets none. Effective needs permitted; ambient needs permitted and inheritable. */
export function capabilityMasks(sets: Capabilities | undefined, available: bigint): Masks {
  const bounding = maskOf(sets?.bounding) & available
  const permitted = maskOf(sets?.permitted) & available
  const inheritable = maskOf(sets?.inheritable) & available
  const effective = maskOf(sets?.effective) & permitted
  const ambient = maskOf(sets?.ambient) & permitted & inheritable
  const all = [sets?.bounding, sets?.effective, sets?.permitted, sets?.inheritable, sets?.ambient].flatMap(
    (n) => n ?? [],
  )
  const missing = [...new Set(all)].filter((name) => maskOf([name]) !== 0n && (maskOf([name]) & available) === 0n)
  const notAmbient = [...new Set(sets?.ambient)].filter((name) => (maskOf([name]) & available & ~ambient) !== 0n)
  return { bounding, effective, permitted, inheritable, ambient, missing, notAmbient }
}
