// Needs root, containerd with its shim and its CRI plugin, ctr, runc, a static busybox and unshare.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { type Cri, containerImage, openCri } from '../fixtures/cri.ts'
import { findProgram, needs } from '../fixtures/needs.ts'
import { until } from '../fixtures/until.ts'

const skip =
  needs('containerd', 'ctr', 'busybox', 'unshare') ??
  whyNot('root') ??
  (findProgram('runc') === undefined ? 'needs runc (Debian: runc) to compare with' : undefined)
const cri = skip === undefined ? await openCri() : undefined
after(() => cri?.[Symbol.asyncDispose]())

const RUNNING = 1
const EXITED = 2

/** What was answered, in the words that must be the same under each runtime. */
type Story = string[]

/** A pod that shares its pid namespace, with two containers, as a kubelet would run it. */
async function livePod(cri: Cri, handler: string): Promise<Story> {
  const story: Story = []
  const note = (...words: unknown[]) => void story.push(words.map((word) => JSON.stringify(word)).join(' '))
  // Of the node's network: there are no plugins for another one. The pid namespace is the pod's.
  const shared = { network: 2, pid: 0, ipc: 0 }
  const config = {
    metadata: { name: `pod-${handler}`, uid: `uid-${handler}`, namespace: 'default' },
    logs: join(cri.logs, handler),
    linux: { cgroupParent: cri.cgroupParent, security: { namespaces: shared } },
  }
  const { id: pod } = await cri.call('runPod', { config, handler })
  const make = async (name: string, script: string) => {
    const linux = {
      resources: { memory: 64 << 20, oomScoreAdj: 500 },
      security: { namespaces: shared, noNewPrivileges: true },
    }
    const image = { image: containerImage }
    const { id } = await cri.call('create', {
      pod,
      podConfig: config,
      config: { metadata: { name }, image, command: ['sh', '-c', script], log: `${name}.log`, linux },
    })
    await cri.call('start', { id })
    return id
  }
  const stateOf = async (id: string) => {
    const { status } = await cri.call('status', { id })
    return [status?.state, status?.exitCode, status?.reason]
  }
  const logOf = (name: string) =>
    readFileSync(join(cri.logs, handler, `${name}.log`), 'utf8').replace(/^\S+ (std\w+) F /gm, '$1 ')

  const first = await make(
    'first',
    'trap "echo term; exit 3" TERM; echo out; echo err >&2; while :; do sleep 0.1; done',
  )
  const second = await make('second', 'sleep 1000')
  const shims = cri.shimsOf(pod, first, second)
  assert.equal(shims.length, 1, 'one shim holds the whole pod')
  assert.match(shims[0] ?? '', handler === 'shim' ? /\/usnea-shim$/ : /\/containerd-shim-runc-v2$/)
  note('running', await stateOf(first), await stateOf(second))
  await until('it has written', () => logOf('first').split('\n').length > 2)
  note('log', logOf('first').split('\n').sort())

  const exec = async (id: string, ...command: string[]) => {
    const answer = await cri.call('exec', { id, command, timeout: 60 })
    note('exec', command, String(Buffer.from(answer.stdout)), String(Buffer.from(answer.stderr)), answer.exitCode)
    return String(Buffer.from(answer.stdout))
  }
  await exec(first, 'sh', '-c', 'echo hi; echo oh >&2; exit 5')
  await exec(first, 'sh', '-c', 'id; cat /proc/self/oom_score_adj; grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status')
  const seen = await cri.call('exec', { id: second, command: ['sh', '-c', 'cat /proc/[0-9]*/comm | sort -u'] })
  assert.match(String(Buffer.from(seen.stdout)), /^sh$/m, 'what the other container runs is seen')
  await assert.rejects(
    cri.call('exec', { id: first, command: ['no-such-program'] }),
    /executable file not found in \$PATH/,
  )
  await cri.call('update', { id: first, linux: { memory: 80 << 20 } })

  await cri.call('stop', { id: first, timeout: 20 })
  note('stopped', await stateOf(first))
  assert.equal((await stateOf(first))[0], EXITED)
  assert.equal((await stateOf(second))[0], RUNNING)
  await cri.call('stop', { id: second, timeout: 0 })
  note('killed', await stateOf(second))
  for (const id of [first, second]) await cri.call('remove', { id })
  await assert.rejects(cri.call('status', { id: first }), /not found/)
  await cri.call('stopPod', { id: pod })
  await cri.call('removePod', { id: pod })
  await until('the shim has ended', () => cri.shimsOf(pod, first, second).length === 0)
  return story
}

test('CRI: a pod of two containers lives the same by usnea, by our shim, and by runc', { skip }, async () => {
  assert.ok(cri)
  const [runc, usnea, shim] = await Promise.all(['runc', 'usnea', 'shim'].map((handler) => livePod(cri, handler)))
  assert.deepEqual(usnea, runc)
  assert.deepEqual(shim, runc)
})
