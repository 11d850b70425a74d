// `usnea config`: what holds, who said it, and what a bad file is told.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratch } from '../fixtures/command-line.ts'
import { runtimePath } from '../fixtures/install.ts'

const usnea = await runtimePath()
const home = join(scratch, 'home')
const file = join(home, 'usnea/config.toml')
mkdirSync(join(home, 'usnea'), { recursive: true })

function config(text: string, ...args: string[]) {
  writeFileSync(file, text)
  chmodSync(file, 0o600)
  const { status, stdout, stderr } = spawnSync(usnea, ['config', ...args], {
    env: { XDG_CONFIG_HOME: home, USNEA_DEFAULT_RUNTIME: 'crun', HOME: home },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const good = '# mine\n[runtimes.crun]\npath = "crun"\nargs = ["--log", "/a b"]\n'

test('show prints every value, --origin where it was said, and --json both', () => {
  assert.equal(
    config(good, 'show').stdout,
    'default-runtime = "crun"\nruntimes.crun.args = ["--log", "/a b"]\nruntimes.crun.path = "crun"\n',
  )
  assert.equal(
    config(good, 'show', '--origin').stdout,
    [
      'default-runtime = "crun"  # environment: $USNEA_DEFAULT_RUNTIME',
      `runtimes.crun.args = ["--log", "/a b"]  # user: ${file}:4:1`,
      `runtimes.crun.path = "crun"  # user: ${file}:3:1`,
      '',
    ].join('\n'),
  )
  assert.equal(JSON.parse(config(good, 'show', '--json').stdout)['default-runtime'], 'crun')
  assert.deepEqual(JSON.parse(config(good, 'show', '--json', '--origin').stdout)[2], {
    path: ['runtimes', 'crun', 'path'],
    value: 'crun',
    source: 'user',
    place: `${file}:3:1`,
  })
})

test('check names the files it read', () => {
  const { status, stdout } = config(good, 'check')
  assert.equal(status, 0)
  assert.match(stdout, new RegExp(`^(valid|missing)  /etc/usnea/config.toml\nvalid    ${file}\n$`))
})

test('a mistake is one line with file, line and column, and status 1', () => {
  const { status, stdout, stderr } = config('\n\n[runtimes.crun]\n  pth = "x"\n', 'check')
  assert.equal(status, 1)
  assert.equal(stdout, '')
  assert.match(stderr, new RegExp(`^usnea: the settings are not valid: ${file}:4:3: .*did you mean path\\?.*\n$`))
})

test('another file may be checked, and it must be there', () => {
  assert.match(config(good, 'check', '/nowhere.toml').stderr, /cannot read \/nowhere\.toml: no such file/)
  const other = join(home, 'other.toml')
  writeFileSync(other, good, { mode: 0o600 })
  assert.equal(config('rubbish', 'check', other).status, 0)
})

test('what the values mean is checked, too', () => {
  const { status, stderr } = config('[runtimes.crun]\npath = "crun"\ntype = "a.b"\n', 'check')
  assert.equal(status, 1)
  assert.match(stderr, /config\.toml:2:1 and .*config\.toml:3:1: runtime crun: cannot configure both path and type/)
  assert.match(
    config('', 'check').stderr,
    /specified default runtime 'crun' does not exist \(\$USNEA_DEFAULT_RUNTIME\)/,
  )
})

test('anything else is wrong usage', () => assert.match(config(good, 'set').stderr, /use config show or config check/))
