/** The maps of a user namespace that init cannot write by itself. */
import { RuntimeError } from '../base/errors.ts'
import type { Host } from '../host/facts.ts'
import type { Plan } from '../kernel/plan.ts'
import type { Conversation } from '../launch/frames.ts'
import { writeGroupMaps } from '../linux/idmap/write.ts'

interface Mapping {
  readonly conversation: Conversation
  readonly host: Host
}

/** Answers an init that waits for its maps. @throws RuntimeError `map-…`, unless we have let go of it */
export async function mapIds({ maps }: Plan, pid: number, { conversation, host }: Mapping): Promise<void> {
  try {
    if (maps === undefined) throw new RuntimeError('internal', { what: 'init waits for maps that nobody has chosen' })
    await writeGroupMaps(pid, maps, host)
    conversation.say('mapsWritten')
  } catch (error) {
    // Who ends it meanwhile has a map that cannot be written, and no failure.
    if (!conversation.isClosed) throw error
  }
}
