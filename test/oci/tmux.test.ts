// Needs a static busybox and tmux; an editor, a pager and a screen full of figures in a real terminal, resized and interrupted.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { testAs } from '../fixtures/cases.ts'
import { runtimePath } from '../fixtures/install.ts'
import { until } from '../fixtures/until.ts'
import { succeeded, type World } from '../fixtures/world.ts'

/** One window of a tmux server of the test's own. */
class Window implements AsyncDisposable {
  readonly #world: World
  readonly #socket: string

  private constructor(world: World, socket: string) {
    this.#world = world
    this.#socket = socket
  }

  static async open(world: World): Promise<Window> {
    const window = new Window(world, join(world.identity.home, 'tmux.sock'))
    await window.tmux('-f', '/dev/null', 'new-session', '-d', '-x', '100', '-y', '30', 'exec /bin/sh')
    return window
  }

  async tmux(...words: string[]): Promise<string> {
    const env = { TERM: 'screen', SHELL: '/bin/sh', PS1: 'outside> ' }
    return succeeded(await this.#world.run(['tmux', '-S', this.#socket, ...words], { env }))
  }

  /** Types a text, and then keys by their names. */
  async type(text: string, ...keys: string[]): Promise<void> {
    if (text !== '') await this.tmux('send-keys', '-l', '--', text)
    if (keys.length > 0) await this.tmux('send-keys', ...keys)
  }

  async shows(expected: RegExp): Promise<void> {
    let screen = ''
    const look = async () => {
      screen = await this.tmux('capture-pane', '-p')
      return expected.test(screen)
    }
    await until(`the screen shows ${expected}`, look).catch((cause: Error) => {
      throw new Error(`${cause.message}; it shows\n${screen}`, { cause })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tmux('kill-server')
  }
}

/** A shell of the container waits for a line: what is typed earlier may be thrown away by the program before. */
const PROMPT = /^\/ # *$/m

/** Everything a person would try, in a shell of the container. */
async function workInside(window: Window): Promise<void> {
  await window.type('clear; stty size', 'Enter')
  await window.shows(/^30 100$/m)
  await window.type('vi /tmp/note', 'Enter')
  await window.shows(/^~$/m)
  await window.type('iwritten inside', 'Escape')
  // The dash: it has seen the key Escape, which may be the beginning of another key for a moment.
  await window.shows(/^written inside$[\s\S]*^- \/tmp\/note/m)
  await window.tmux('resize-window', '-x', '80', '-y', '20')
  await window.type(':wq', 'Enter')
  await window.shows(PROMPT)
  await window.type('clear; stty size; cat /tmp/note', 'Enter')
  await window.shows(/^20 80$\s*^written inside$/m)
  await window.type('seq 1 500 >/tmp/many; less /tmp/many', 'Enter')
  await window.shows(/^19$/m)
  await window.type('G')
  await window.shows(/^500$/m)
  await window.type('q')
  await window.shows(PROMPT)
  await window.type('clear; top', 'Enter')
  await window.shows(/^Mem: /m)
  await window.type('', 'C-c')
  await window.shows(PROMPT)
  await window.type('clear; echo waiting; sleep 1000', 'Enter')
  await window.shows(/^waiting$/m)
  await window.type('', 'C-c')
  await window.shows(PROMPT)
  await window.type('echo still here', 'Enter')
  await window.shows(/^still here$/m)
}

/** `command` brings a shell in a container; afterwards the terminal outside is what it was. */
async function visit(world: World, words: readonly string[]): Promise<void> {
  await using window = await Window.open(world)
  const script = `b=$(stty -g); "$@"; s=$?; [ "$(stty -g)" = "$b" ] && echo "intact, status $s"; stty size; read end`
  const file = world.file('visit', `${script}\n`)
  const command = ['/bin/sh', file, await runtimePath(), '--root', world.state, ...words]
  await window.type(`clear; exec ${command.join(' ')}`, 'Enter')
  await window.shows(PROMPT)
  await workInside(window)
  await window.type('exit 5', 'Enter')
  await window.shows(/^intact, status 5$\s*^20 80$/m)
}

const shell = (world: World, terminal: boolean) =>
  world.bundle((config) => {
    config.process.args = terminal ? ['sh'] : ['sleep', '1000']
    config.process.env.push('TERM=screen')
    config.process.terminal = terminal
  })

testAs(
  { needs: ['tmux'] },
  'run: an editor, a pager, a full screen, and the terminal intact afterwards',
  async (world) => {
    const bundle = await shell(world, true)
    await visit(world, ['run', '--bundle', bundle.path, world.newId()])
  },
)

testAs({ needs: ['tmux'] }, 'exec --tty: the same, and the container goes on', async (world) => {
  const bundle = await shell(world, false)
  const id = world.newId()
  succeeded(await world.usnea(['run', '--detach', '--bundle', bundle.path, id]))
  await visit(world, ['exec', '--tty', '--env', 'TERM=screen', id, 'sh'])
  assert.equal(JSON.parse(succeeded(await world.usnea(['state', id]))).status, 'running')
  succeeded(await world.usnea(['delete', '--force', id]))
})
