/** `usnea plan`: EXPLAIN for containers and sandboxes. Runs nothing. */
import { RuntimeError } from '../../base/errors.ts'
import type { Plan } from '../../kernel/plan.ts'
import { defineCommand } from '../command.ts'
import { type Call, type Flag, sandboxFlags } from '../flags.ts'
import { given } from '../given.ts'
import { printPlan, printPlanJson } from '../print/plan.ts'
import { readPolicy } from '../sandbox-policy.ts'
import type { Session } from '../session.ts'

const planFlags = [
  { name: 'bundle', short: 'b', kind: 'text', value: 'DIR', help: 'directory of the bundle (the current one)' },
  { name: 'config', short: 'f', kind: 'text', value: 'FILE', help: 'another file than config.json of the bundle' },
  ...sandboxFlags,
] as const satisfies readonly Flag[]

export const command = defineCommand({
  name: 'plan',
  usage: '[-- CMD …]',
  summary: 'show what create would do with a bundle, or sandbox with a command; does nothing',
  flags: planFlags,
  count: [0, Number.POSITIVE_INFINITY],
  tail: 'command',
  async run(call, session) {
    const plan = call.tail.length > 0 ? await planSandbox(call, session) : await planBundle(call, session)
    session.print(call.flags.json ? printPlanJson(plan) : printPlan(plan))
    return 0
  },
})

async function planBundle({ flags }: Call<typeof planFlags>, session: Session): Promise<Plan> {
  const { explain } = await import('../../container/plan.ts')
  const config = flags.config === undefined ? undefined : session.path(flags.config)
  return await explain(await session.context(), { bundle: session.path(flags.bundle ?? '.'), ...given({ config }) })
}

async function planSandbox({ flags, tail }: Call<typeof planFlags>, session: Session): Promise<Plan> {
  if (flags.bundle !== undefined || flags.config !== undefined) {
    throw new RuntimeError('usage', { what: 'a bundle and a command exclude each other' })
  }
  const { planForeground } = await import('../../sandbox/foreground.ts')
  const { options } = await readPolicy(flags, session)
  return planForeground(options, tail, await session.host())
}
