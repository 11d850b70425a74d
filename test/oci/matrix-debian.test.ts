// Needs root and debootstrap; each identity says by itself what else.
import { identityNames } from '../fixtures/as.ts'
import { testAs } from '../fixtures/cases.ts'
import { whyNoDebian } from '../fixtures/debian.ts'
import { liveStepByStep, runToTheEnd } from '../fixtures/lifecycle.ts'

const wanted = { as: identityNames, skip: whyNoDebian() }

testAs(wanted, 'a Debian container runs to its end', (world) => runToTheEnd(world, 'debian'))

testAs(wanted, 'a Debian container is created, looked at, started, entered, listed, killed and deleted', (world) =>
  liveStepByStep(world, 'debian'),
)
