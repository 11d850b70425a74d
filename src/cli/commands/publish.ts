/** `usnea publish`: what shims call that publish events in the older way, as they would call containerd. */
import { readFileSync } from 'node:fs'
import { RuntimeError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  name: 'publish',
  usage: '',
  summary: 'hand an event to the task service: google.protobuf.Any on stdin; usnea --address SOCKET publish …',
  flags: [
    { name: 'topic', kind: 'text', value: 'TOPIC', help: 'such as /tasks/exit' },
    { name: 'namespace', kind: 'text', value: 'NAME', help: 'namespace of the task' },
  ],
  count: [0, 0],
  async run({ flags: { topic, namespace } }, session) {
    const { address } = session.globals
    if (topic === undefined || namespace === undefined || address === undefined)
      throw new RuntimeError('usage', { what: '--address, --topic and --namespace are needed to publish an event' })
    const { connectTasks } = await import('../../tasks/socket/client.ts')
    const tasks = await connectTasks(session.path(address), (await session.host()).uid)
    if (tasks === undefined) throw new RuntimeError('daemon-lost', { what: `no task service listens at ${address}` })
    await tasks.publish({ topic, namespace, event: readFileSync(0).toString('base64') })
    tasks.close()
    return 0
  },
})
