/**
 * Rules for kinds of work, as data. `~` is the home, `$NAME` a variable, and a path behind `?` is shown where it exists.
 * A profile that a project's file may name (strict, build) opens nothing but the current directory.
 */
import type { SandboxOptions } from './options.ts'
import type { ProfileName } from './profile-names.ts'

export interface Profile {
  readonly summary: string
  readonly options: SandboxOptions
}

const gitSettings = ['?~/.gitconfig', '?~/.config/git']
const nodeItself = ['?~/.nvm', '?~/.volta', '?~/.local/share/fnm', '?~/.local/share/mise', '?~/.asdf', '?~/.bun']
const pythonItself = ['?~/.pyenv', '?~/.local/share/uv', '?~/.local/bin', '?~/.local/lib', '?~/.rye']

export const profiles = {
  strict: {
    summary: 'nothing but the system, read-only; level U1 or better',
    options: { minLevel: 'U1', require: ['netns', 'pidns', 'proc'] },
  },
  build: { summary: 'the current directory is writable; no network', options: { rw: ['.'] } },
  node: {
    summary: 'as build, with the Node that lies in the home',
    options: { rw: ['.'], ro: [...nodeItself, '?~/.npmrc'] },
  },
  python: { summary: 'as build, with the Python that lies in the home', options: { rw: ['.'], ro: pythonItself } },
  agent: {
    summary:
      "for a coding agent's commands: the current directory, git's settings, and the languages that lie in the home",
    options: {
      rw: ['.'],
      ro: [...gitSettings, ...nodeItself, ...pythonItself, '?~/.cargo/bin', '?~/.rustup', '?~/go', '?~/.local/go'],
    },
  },
  desktop: {
    summary: 'a program with windows: the display, sound, the graphics card, the network of the host',
    options: {
      net: 'host',
      nested: true,
      socket: [
        '?$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY',
        '?$XDG_RUNTIME_DIR/pulse/native',
        '?$XDG_RUNTIME_DIR/pipewire-0',
        '?/tmp/.X11-unix/X0',
      ],
      device: ['?/dev/dri', '?/dev/snd'],
      ro: [
        '?$XAUTHORITY',
        '?~/.config/fontconfig',
        '?~/.config/gtk-3.0',
        '?~/.config/gtk-4.0',
        '?~/.local/share/fonts',
        '?~/.fonts',
        '?~/.icons',
        '?~/.themes',
      ],
      env: {
        DISPLAY: '$DISPLAY',
        WAYLAND_DISPLAY: '$WAYLAND_DISPLAY',
        XDG_RUNTIME_DIR: '$XDG_RUNTIME_DIR',
        XAUTHORITY: '$XAUTHORITY',
      },
    },
  },
} as const satisfies Readonly<Record<ProfileName, Profile>>

/** Those that take nothing from a home and no network. */
export const harmlessProfiles: readonly string[] = ['strict', 'build']
