// Needs a static busybox; bad container ids are refused before anything is touched.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { testAs } from '../fixtures/cases.ts'
import { refused } from '../fixtures/world.ts'

const bad = {
  'is empty': ['', /container id cannot be empty/],
  'is longer than a directory name': ['x'.repeat(256), /invalid container ID format/],
  'holds a slash': ['a/b', /invalid container ID format/],
  'is the parent directory': ['..', /invalid container ID format/],
  'is the directory itself': ['.', /invalid container ID format/],
  'holds a comma': ['a,b', /invalid container ID format/],
  'holds a newline': ['a\nb', /invalid container ID format/],
  'holds a blank': ['a b', /invalid container ID format/],
  'is not ASCII': ['schön', /invalid container ID format/],
} as const

const verbs = {
  state: ['state'],
  start: ['start'],
  kill: ['kill'],
  ps: ['ps'],
  delete: ['delete'],
  'delete --force': ['delete', '--force'],
}

for (const [title, [id, words]] of Object.entries(bad)) {
  testAs({ as: ['ranges'] }, `an id that ${title} is refused by every verb`, async (world) => {
    const bundle = await world.bundle(undefined, 'none')
    for (const verb of ['create', 'run']) refused(await world.usnea([verb, '--bundle', bundle.path, id]), words)
    for (const verb of Object.values(verbs)) refused(await world.usnea([...verb, id]), words)
    refused(await world.usnea(['exec', id, 'true']), words, 255)
    assert.ok(!existsSync(`${world.state}/../b`), 'nothing may be made beside the state directory')
  })
}
