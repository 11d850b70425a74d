/** Where the host has a device: the name in a configuration is the container's own affair, the numbers are the device. */
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export interface DeviceNumbers {
  readonly type: 'c' | 'b' | 'u' | 'p'
  readonly major: number
  readonly minor: number
}

/** As glibc's makedev(3) packs them. */
function packed(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return ((high & 0xfffn) << 8n) | ((high & ~0xfffn) << 32n) | (low & 0xffn) | ((low & ~0xffn) << 12n)
}

function isNode(path: string, { type, major, minor }: DeviceNumbers): boolean {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined || found.rdev !== packed(major, minor)) return false
  return type === 'b' ? found.isBlockDevice() : found.isCharacterDevice()
}

/** `preferred` where it is that device, else the first such node under /dev, two directories deep at most. */
export function findDeviceNode(preferred: string, numbers: DeviceNumbers): string | undefined {
  if (isNode(preferred, numbers)) return preferred
  return search('/dev', numbers, 2)
}

function search(directory: string, numbers: DeviceNumbers, depth: number): string | undefined {
  const entries = entriesOf(directory)
  for (const { name } of entries) if (isNode(join(directory, name), numbers)) return join(directory, name)
  if (depth === 0) return undefined
  for (const entry of entries) {
    const found = entry.isDirectory() ? search(join(directory, entry.name), numbers, depth - 1) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch {
    return [] // a directory that is closed to us holds nothing that we could bind
  }
}
