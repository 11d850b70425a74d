/** Completions, asked in the shells that are installed; ids come from the directories of the state, without a Node. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verbs } from '../../src/cli/verbs.ts'
import { repository } from '../fixtures/install.ts'
import { needs } from '../fixtures/needs.ts'
import { runDirectory } from '../fixtures/run-directory.ts'

const usnea = join(repository, 'bin/usnea')
const place = mkdtempSync(join(runDirectory(), 'completion-'))
const root = join(place, 'root')
for (const path of ['box-1', 'box-2', '@tasks/state/default/web', '@tasks/state/other/db'])
  mkdirSync(join(root, path), { recursive: true })
mkdirSync(join(place, 'state/usnea/layers/attempt'), { recursive: true })
mkdirSync(join(place, 'files/a dir'), { recursive: true })
writeFileSync(join(place, 'files/a file'), '')
// No PATH to a node: what is asked at a TAB must not start one.
const env = { PATH: '/usr/bin:/bin', HOME: place, USNEA_ROOT: root, XDG_STATE_HOME: join(place, 'state') }
const options = { cwd: join(place, 'files'), env, encoding: 'utf8' } as const

function completionOf(shell: string): string {
  const file = join(place, `usnea.${shell}`)
  writeFileSync(file, execFileSync(usnea, ['completion', shell]))
  return file
}

const questions: readonly (readonly [words: readonly string[], answers: readonly string[]])[] = [
  [['kil'], ['kill']],
  [
    ['kill', ''],
    ['box-1', 'box-2'],
  ],
  [
    ['kill', 'box-1', 'US'],
    ['USR1', 'USR2'],
  ],
  [['--root', root, 'delete', 'box-2'], ['box-2']],
  [['delete', '--fo'], ['--force']],
  [['sandbox', '--net', 'h'], ['host']],
  [['--net', 'p'], ['pasta']],
  [['sandbox', '--profile', 'a'], ['agent']],
  [['--accept', 'pro'], ['protect']],
  [
    ['task', 'sta'],
    ['start', 'state', 'stats'],
  ],
  [['task', 'state', ''], ['web']],
  [['task', 'kill', '--namespace', 'other', ''], ['db']],
  [['diff', '--layer', ''], ['attempt']],
  [['layers', 'sh'], ['show']],
  [['layers', 'show', ''], ['attempt']],
  [['help', 'doc'], ['doctor']],
  [
    ['mounts', 'add', 'box-1', 'a'],
    ['a dir', 'a file'],
  ],
  [
    ['--rw', 'a'],
    ['a dir', 'a file'],
  ],
  [['run', '--bundle', 'a'], ['a dir']],
  [
    ['--', 'cat', 'a'],
    ['a dir', 'a file'],
  ],
  [['sandbox', 'cat', '--nothing'], []],
  [['list', '--format', 'j'], ['json']],
  [['list', '-f', 'j'], ['json']],
  [['completion', 'z'], ['zsh']],
]

const tidy = (lines: string): string[] =>
  lines
    .split('\n')
    .map((line) => line.replace(/\t.*/, '').replace(/\/$/, ''))
    .filter((line) => line !== '')
    .sort()

test('bash completes verbs, options, their values, files, and ids that there are', {
  skip: needs('bash') ?? false,
}, () => {
  const file = completionOf('bash')
  const ask = (words: readonly string[]) =>
    tidy(
      execFileSync(
        'bash',
        [
          '-c',
          `source ${file}; COMP_WORDS=(usnea "$@"); COMP_CWORD=$#; _usnea 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`,
          'bash',
          ...words,
        ],
        options,
      ),
    )
  for (const [words, answers] of questions) assert.deepEqual(ask(words), answers, words.join(' '))
  // bash cuts words at =, and puts the answer behind it.
  assert.deepEqual(ask(['sandbox', '--net', '=', 'h']), ['host'])
  assert.deepEqual(ask(['sandbox', '--net', '=']), ['host', 'none', 'pasta', 'slirp4netns'])
  assert.deepEqual(ask(['--rw', '=', 'a']), ['a dir', 'a file'])
  const known = Object.keys(verbs).filter((name) => name !== 'publish')
  assert.deepEqual(
    known.filter((name) => !ask(['']).includes(name)),
    [],
  )
})

test('fish completes the same', { skip: needs('fish') ?? false }, () => {
  const file = completionOf('fish')
  const quote = (word: string) => word.replaceAll(' ', '\\ ')
  const lines = questions.map(([words]) => `echo '== '; complete -C 'usnea ${words.map(quote).join(' ')}'`)
  const told = execFileSync('fish', ['-c', `source ${file}; ${lines.join('; ')}`], options)
    .split('== \n')
    .slice(1)
  questions.forEach(([words, answers], i) => {
    assert.deepEqual(tidy(told[i] ?? ''), answers, words.join(' '))
  })
  assert.deepEqual(tidy(execFileSync('fish', ['-c', `source ${file}; complete -C 'usnea --net=h'`], options)), [
    '--net=host',
  ])
})

/** Types at a terminal; prints what is in the line after the TAB. */
const typing = `
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.chdir(sys.argv[2])
    os.execvp('zsh', ['zsh', '-f', '-i'])
def until(word, seconds=20):
    seen, end = b'', time.time() + seconds
    while word not in seen and time.time() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try: seen += os.read(fd, 65536)
            except OSError: break
    return seen
os.write(fd, b"PS1=; unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; source %s; bindkey '^I' complete-word; print REA''DY\\n" % sys.argv[1].encode())
until(b'READY')
for line in sys.argv[3:]:
    os.write(fd, b'print -r -- [ ' + b'"' + b'"' + b'\\x15')
    os.write(fd, line.encode() + b'\\t')
    os.write(fd, b'\\x01print -r -- "[" \\x05 "]DO""NE"\\n')
    print(until(b']DONE').decode('utf8', 'replace').replace('\\r', '').split('\\n[ ')[-1].split(' ]DONE')[0].strip())
os.close(fd)
`

test('zsh completes the same', { skip: needs('zsh', 'python3') ?? false }, () => {
  const file = completionOf('zsh')
  assert.equal(spawnSync('zsh', ['-n', file], { encoding: 'utf8' }).stderr, '')
  const lines = [
    'usnea kil',
    'usnea kill box-1 TE',
    'usnea --net=h',
    'usnea sandbox --profile ag',
    'usnea task state w',
    'usnea run --bundle a',
  ]
  const told = execFileSync('python3', ['-c', typing, file, join(place, 'files'), ...lines], {
    env: { ...env, TERM: 'dumb' },
    encoding: 'utf8',
  })
  assert.deepEqual(
    told
      .trim()
      .split('\n')
      .map((line) => line.trim()),
    [
      ...['usnea kill', 'usnea kill box-1 TERM', 'usnea --net=host', 'usnea sandbox --profile agent'],
      ...['usnea task state web', 'usnea run --bundle a dir'],
    ],
  )
})

test('an unknown shell is refused, with the nearest', () => {
  const { status, stderr } = spawnSync(usnea, ['completion', 'bsh'], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /use bash/)
})
