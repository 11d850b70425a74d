/**
 * Device rules as properties of a unit: systemd.resource-control(5), DeviceAllow=. Only for cgroup v1, where systemd writes
 * the devices controller anew when it likes; on v2 our program stands beside its own. Pure.
 */
import { type Value, variant } from '../systemd/encode.ts'
import type { Property } from '../systemd/manager.ts'
import type { DeviceException, DeviceGuard } from './devices.ts'

/** A policy that forbids everything, and what is excepted from it. One that allows everything is systemd's own default. */
export function deviceProperties({ default: mode, exceptions }: DeviceGuard): Property[] {
  if (mode === 'allow') return []
  return [
    ['DevicePolicy', variant('s', 'strict')],
    ['DeviceAllow', variant('a(ss)', exceptions.flatMap(entryOf))],
  ]
}

/** What is not one device is a group of /proc/devices, or cannot be said: then it stays forbidden after a reload. */
function entryOf({ type, major, minor, access }: DeviceException): Value[] {
  const kind = type === 'c' ? 'char' : 'block'
  if (major >= 0 && minor >= 0) return [[`/dev/${kind}/${major}:${minor}`, access]]
  if (major < 0 && minor < 0) return [[`${kind}-*`, access]]
  return type === 'c' && major === 136 ? [['char-pts', access]] : []
}
