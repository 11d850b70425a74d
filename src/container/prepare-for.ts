/** Preparation with the manager of cgroups that is to be used: systemd is asked first what it can hand out. */
import { isRuntimeError, RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import { isAmongUnits } from '../linux/cgroups/place.ts'
import type { Answer } from '../linux/cgroups/scope-plan.ts'
import { Manager } from '../linux/systemd/manager.ts'
import { limitsAsked } from '../spec/support.ts'
import type { Context } from './context.ts'
import { type Prepared, type PrepareOptions, prepare } from './prepare.ts'

/**
 * Without a manager by name it is cgroupfs, as far as that goes; what a user wants to have limited and may not limit is
 * then asked of the user's systemd. @throws RuntimeError as `prepare`, and `systemd-…`
 */
export async function prepareFor(
  ctx: Context,
  asked: Omit<PrepareOptions, 'cgroups' | 'mayMiss' | 'enforce'>,
): Promise<Prepared> {
  const { host, cgroupManager, mayMiss, enforce } = ctx
  const options = { ...asked, mayMiss, enforce }
  try {
    return await prepareWith(ctx, options)
  } catch (error) {
    // Where the configuration may ask for something in its place is known when it has been read.
    if (cgroupManager === 'disabled' || !isRefusal(error)) throw error
    return prepare(host, { ...options, cgroups: { without: error } })
  }
}

async function prepareWith(ctx: Context, options: Omit<PrepareOptions, 'cgroups'>): Promise<Prepared> {
  const { host, cgroupManager } = ctx
  if (cgroupManager === 'systemd') return prepare(host, { ...options, cgroups: { systemd: await askSystemd(host) } })
  if (cgroupManager !== 'auto') return prepare(host, { ...options, cgroups: cgroupManager })
  try {
    const prepared = prepare(host, { ...options, cgroups: 'cgroupfs' })
    return mayLoseLimits(prepared) ? await preferScope(ctx, options, prepared) : prepared
  } catch (error) {
    if (!isRefusal(error) || !host.rootlessCgroups || !host.hasSystemd) throw error
    const systemd = await askSystemd(host)
    if (systemd instanceof RuntimeError) throw error
    ctx.log.debug(`no cgroup may be made here, so systemd is asked for one: ${error.message}`, 'prepare')
    return withScope(host, { ...options, cgroups: { systemd } }, error)
  }
}

/** Its limits would hold only as long as systemd leaves the slice as it is. */
const mayLoseLimits = ({ cgroup, spec }: Prepared): boolean =>
  limitsAsked(spec.linux?.resources).length > 0 && (cgroup.plan?.places.some(isAmongUnits) ?? false)

/** Where systemd cannot be asked, or not for that path, cgroupfs is what there is. */
async function preferScope(ctx: Context, options: Omit<PrepareOptions, 'cgroups'>, other: Prepared): Promise<Prepared> {
  const { host } = ctx
  const systemd = host.hasSystemd ? await askSystemd(host) : undefined
  if (systemd === undefined || systemd instanceof RuntimeError) return other
  try {
    return prepare(host, { ...options, cgroups: { systemd } })
  } catch (error) {
    ctx.log.debug(`no scope, so the cgroup lies among the units of systemd: ${error}`, 'prepare')
    return other
  }
}

/** A path of directories says nothing to systemd. */
function withScope(host: Host, options: PrepareOptions, refusal: RuntimeError): Prepared {
  try {
    return prepare(host, options)
  } catch (error) {
    throw isRuntimeError(error, 'config-invalid') ? refusal : error
  }
}

const refusals = ['cgroup-missing', 'cgroup-refused', 'systemd-missing', 'systemd-unreachable'] as const

const isRefusal = (error: unknown): error is RuntimeError => refusals.some((code) => isRuntimeError(error, code))

/** What it says of itself, or why it does not. @throws RuntimeError `systemd-missing` */
async function askSystemd(host: Host): Promise<Answer> {
  if (!host.hasSystemd) throw new RuntimeError('systemd-missing')
  try {
    using manager = await Manager.open(host)
    return await manager.facts()
  } catch (error) {
    if (error instanceof RuntimeError) return error
    throw error
  }
}
