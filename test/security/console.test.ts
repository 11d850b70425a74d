// Needs a static busybox and python3; a terminal that is bound where a link of the image leads.
import { rmSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { makeDirectory } from '../fixtures/as.ts'
import { testAttack } from '../fixtures/attack.ts'
import { listenForTerminal } from '../fixtures/terminal.ts'
import { until } from '../fixtures/until.ts'

let sockets = 0

testAttack({
  class: 'CVE-2025-52565',
  title: '/dev/console of the image is a link, and the terminal covers what it leads to',
  needs: ['python3'],
  attempt: async ({ world, call, bundle: makeBundle }) => {
    const bundle = await makeBundle((config) => {
      config.mounts = config.mounts.filter(({ destination }) => !/^\/dev(?!\/pts)/.test(destination))
      config.process.terminal = true
      config.process.args = ['sh', '-c', 'test -c /etc/aim && echo covered; echo looked; sleep 1000']
    })
    rmSync(join(bundle.rootfs, 'dev'), { recursive: true })
    makeDirectory(join(bundle.rootfs, 'dev'), 0o755, world.identity.user)
    world.file(`${basename(bundle.path)}/rootfs/etc/aim`, 'a file of the image\n')
    symlinkSync('/etc/aim', join(bundle.rootfs, 'dev/console'))
    const socket = join(world.identity.home, `console-${++sockets}.sock`)
    const id = `console-${sockets}`
    await using terminal = await listenForTerminal(socket)
    const { status } = await call(['run', '--detach', '--console-socket', socket, '--bundle', bundle.path, id])
    try {
      if (status !== 0) return undefined
      await until('the program looked', () => terminal.text().includes('looked'))
      return terminal.text().includes('covered') ? terminal.text() : undefined
    } finally {
      await call(['delete', '--force', id])
    }
  },
})
