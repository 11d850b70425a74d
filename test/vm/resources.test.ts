// Needs cgroup v2 alone and systemd, and for a user a login session: `npm run test:vm`. As whoever it is started as.
import { isRoot } from '../fixtures/users.ts'
import { skip } from './scopes.ts'
import { testWay } from './ways.ts'

testWay({ title: 'cgroupfs', manager: 'cgroupfs', inScope: !isRoot, skip })
testWay({ title: 'systemd', manager: 'systemd', skip })
