/** Everything that config.toml may hold. */
import { runtimeShape } from './runtimes.ts'
import { sandboxShape } from './sandbox.ts'
import type { Shape, ValueOf } from './shape.ts'

export const knownSettings = {
  kind: 'table',
  keys: {
    'default-runtime': { kind: 'text', env: 'USNEA_DEFAULT_RUNTIME', help: 'the runtime of a task that names none' },
    sandbox: sandboxShape,
    runtimes: { kind: 'named', of: runtimeShape },
  },
} as const satisfies Shape

export type KnownValues = ValueOf<typeof knownSettings>

/** What holds when nobody says anything. */
export const stockSettings = { 'default-runtime': 'usnea' } as const satisfies KnownValues
