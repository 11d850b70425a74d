// Needs a static busybox, root, gcc, and a criu that works on this kernel: where the memory of a checkpoint goes.
import assert from 'node:assert/strict'
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { criuProgram, hasFeature, holding, imageOf, whyNoCriu, withCriu } from '../fixtures/criu.ts'
import { until } from '../fixtures/until.ts'
import { refused, succeeded } from '../fixtures/world.ts'

const skip = whyNoCriu()
const real = { as: ['root'], needs: ['gcc'], skip } as const

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Bytes of the memory pages that lie in an image, holes left out. */
const pagesIn = (image: string): number =>
  readdirSync(image)
    .filter((name) => name.startsWith('pages-'))
    .reduce((sum, name) => sum + statSync(join(image, name)).blocks * 512, 0)

testAs(real, '--auto-dedup gives back what was read, and --work-path takes the logs', async (world) => {
  const [image, work] = [imageOf(world), join(world.identity.home, 'logs')]
  const holder = await holding(world, ['memory', '/dev/null'])
  succeeded(await holder.checkpoint(image, '--work-path', work, '--empty-ns', 'network'))
  const before = pagesIn(image)
  assert.ok(before > 8 << 20)
  succeeded(await holder.restore(image, '--auto-dedup', '--work-path', work, '--empty-ns', 'network'))
  assert.ok(pagesIn(image) < before / 2, `${pagesIn(image)} of ${before}`)
  assert.ok(['dump.log', 'restore.log'].every((log) => existsSync(join(work, log)) && !existsSync(join(image, log))))
  assert.equal(await holder.ask(), 'count 1 sent')
  succeeded(await world.usnea(['delete', '--force', holder.id]))
})

testAs(real, '--page-server takes the memory over the network', async (world) => {
  const [image, pages] = [imageOf(world), imageOf(world)]
  mkdirSync(pages)
  const port = await freePort()
  const server = world.start([
    criuProgram(),
    'page-server',
    '--images-dir',
    pages,
    '--address',
    '127.0.0.1',
    '--port',
    `${port}`,
  ])
  const holder = await holding(world, ['memory', '/dev/null'])
  await until('it listens', () =>
    readFileSync('/proc/net/tcp', 'utf8').includes(
      `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`,
    ),
  )
  succeeded(await holder.checkpoint(image, '--page-server', `127.0.0.1:${port}`))
  succeeded(await server.ended)
  assert.ok(pagesIn(image) < 1 << 20 && pagesIn(pages) > 8 << 20)
  for (const name of readdirSync(pages)) if (/^page/.test(name)) copyFileSync(join(pages, name), join(image, name))
  succeeded(await holder.restore(image))
  assert.equal(await holder.ask(), 'count 1 sent')
  succeeded(await world.usnea(['delete', '--force', holder.id]))
})

const lazy = { ...real, skip: skip ?? (hasFeature('uffd-noncoop') ? undefined : 'needs CONFIG_USERFAULTFD') } as const

testAs(
  lazy,
  '--lazy-pages serves memory when --status-fd says so, and nobody who asks is no end of the container',
  async (world) => {
    const image = imageOf(world)
    const port = await freePort()
    const holder = await holding(world, ['memory', '/dev/null'])
    const told = world.file('told', '')
    const fd = openSync(told, 'w')
    const options = ['--lazy-pages', '--page-server', `127.0.0.1:${port}`, '--status-fd', '3', '--image-path', image]
    const dump = world.call(['checkpoint', ...options, holder.id], withCriu(world, { descriptors: [fd] }))
    closeSync(fd)
    await until('memory may be asked for', () => readFileSync(told, 'utf8') === '\0')
    assert.ok(pagesIn(image) < 1 << 20)
    connect(port, '127.0.0.1').end('no wish that there is')
    refused(await dump.ended, /cannot checkpoint the container.*Lazy pages transfer FAILED/)
    assert.ok(!existsSync(join(image, 'inventory.img')))
    assert.equal(await holder.ask(), 'count 1 sent')
    succeeded(await world.usnea(['delete', '--force', holder.id]))
  },
)
