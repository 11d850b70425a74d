// Needs a static busybox; each identity says by itself what else.
import { identityNames } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import { liveStepByStep, runToTheEnd } from '../fixtures/lifecycle.ts'

testAs({ as: identityNames }, 'a small container runs to its end', (world) => runToTheEnd(world, 'busybox'))

testAs(
  { as: identityNames },
  'a small container is created, looked at, started, entered, listed, killed and deleted',
  (world) => liveStepByStep(world, 'busybox'),
)
