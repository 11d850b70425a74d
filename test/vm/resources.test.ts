// Needs cgroup v2 alone and systemd, and for a user a login session: `npm run test:vm`. As whoever it is started as.

import { isRoot } from '../fixtures/users.ts'
import { skip } from './scopes.ts'
import { testWay } from './ways.ts'

/** A user may make no cgroup beside a login session, only below what systemd hands out. */
const scope = isRoot ? [] : ['systemd-run', '--user', '--scope', '--quiet', '--property=Delegate=yes']

testWay({ title: 'cgroupfs', manager: 'cgroupfs', through: scope, skip })
testWay({ title: 'systemd', manager: 'systemd', skip })
