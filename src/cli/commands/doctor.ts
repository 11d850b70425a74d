/** `usnea doctor`: what this machine allows, proved. Exit status 0 when the level that was asked for is reached. */
import { RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'
import { given } from '../given.ts'
import { printDiagnosis } from '../print/doctor.ts'

export const command = defineCommand({
  name: 'doctor',
  usage: '',
  summary: 'prove what this machine allows, and name cause and fix of what it does not',
  flags: [
    { name: 'json', kind: 'boolean', help: 'print it as JSON' },
    {
      name: 'cached',
      kind: 'boolean',
      help: 'take the answer of an earlier call with --cached since the last boot, or keep this one',
    },
    {
      name: 'profile',
      kind: 'text',
      value: 'NAME',
      help: 'print what the container around usnea needs: docker podman kubernetes seccomp apparmor',
      empty: 'kept',
    },
    {
      name: 'min-level',
      kind: 'text',
      value: 'LEVEL',
      help: 'fail below this level: X L U0 U1 U2 U3 N R (U0)',
      empty: 'kept',
    },
    {
      name: 'require',
      kind: 'list',
      value: 'NAMES',
      help: 'fail unless these are ok, such as userns,netns,subids,cgroups',
    },
  ],
  count: [0, 0],
  isForeground: () => true,
  slow: () => 'trying what this machine allows',
  async run({ flags }, session) {
    if (flags.profile !== undefined) {
      session.print(await readyProfile(flags.profile))
      return 0
    }
    const { assertDemands, diagnose } = await import('../../doctor/doctor.ts')
    const host = await session.host()
    const { recall, remember } = await import('../../doctor/cache.ts')
    const known = flags.cached ? await recall(host) : undefined
    const diagnosis = known ?? (await diagnose(host))
    if (flags.cached && known === undefined) await remember(host, diagnosis)
    session.print(flags.json ? `${JSON.stringify(diagnosis, null, 2)}\n` : printDiagnosis(diagnosis))
    const require = flags.require.flatMap((names) => names.split(',')).filter((name) => name !== '')
    assertDemands(diagnosis, { require, ...given({ minLevel: flags['min-level'] }) })
    return 0
  },
})

/** @throws RuntimeError `usage`, `package-incomplete` */
async function readyProfile(name: string): Promise<string> {
  const { isProfileName, profileNames, profileText } = await import('../../doctor/profiles.ts')
  if (!isProfileName(name))
    throw new RuntimeError('usage', {
      what: `no profile is named "${name}"`,
      fix: `use one of ${profileNames.join(' ')}`,
    })
  const { profilePlace } = await import('../package-files.ts')
  return profileText(name, profilePlace())
}
