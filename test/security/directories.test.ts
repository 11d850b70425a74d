// Needs a static busybox; working directories and links of the image that lead out of the root, or past its masks.
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { testAttack } from '../fixtures/attack.ts'
import { writeConfig } from '../fixtures/world.ts'

/** Seen from a place outside of the root, getcwd(2) says so, and the root of the host is above. */
const look = 'pwd -P; ls ../../../../../../../..; true'
const outside = /unreachable|\blost\+found\b|\bboot\b/

testAttack({
  class: 'CVE-2024-21626',
  title: 'a working directory through a descriptor that the runtime left open',
  attempt: async (target) => {
    const bundle = await target.bundle((config) => {
      config.process.args = ['sh', '-c', look]
    })
    for (let number = 3; number < 12; number++) {
      bundle.config.process.cwd = `/proc/self/fd/${number}`
      writeConfig(bundle, target.world.identity)
      const { stdout } = await target.run(bundle)
      if (outside.test(stdout)) return stdout
    }
    return undefined
  },
})

/** A mount that follows a link of the image lies elsewhere, and what is masked by its name is not masked there. */
for (const name of ['proc', 'sys'])
  testAttack({
    class: 'CVE-2023-27561',
    title: `/${name} of the image is a link, and the masks miss what is mounted where it leads`,
    attempt: async (target) => {
      const bundle = await target.bundle((config) => {
        config.process.args = ['sh', '-c', `ls /home/real-${name}`]
      })
      mkdirSync(join(bundle.rootfs, `home/real-${name}`))
      rmSync(join(bundle.rootfs, name), { recursive: true })
      symlinkSync(`home/real-${name}`, join(bundle.rootfs, name))
      const { stdout } = await target.run(bundle)
      return stdout.trim() === '' ? undefined : stdout
    },
  })
