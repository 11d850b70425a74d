/**
 * JSON numbers are doubles here: 2^64-1 arrives as 2^64 and 2^63-1 as 2^63. These conversions bring the top value back
 * into its type, so that "unlimited" stays unlimited instead of wrapping to 0 or to a negative number.
 */

const UINT64_MAX = 0xffff_ffff_ffff_ffffn
const INT64_MAX = 0x7fff_ffff_ffff_ffffn

/** A checked, non-negative whole number as an unsigned 64-bit one. */
export function uint64(value: number): bigint {
  const exact = BigInt(value)
  return exact > UINT64_MAX ? UINT64_MAX : exact
}

/** A checked whole number as a signed 64-bit one. */
export function int64(value: number): bigint {
  const exact = BigInt(value)
  return exact > INT64_MAX ? INT64_MAX : exact
}
