/** The shape of what config.toml says of runtimes. What it means is the business of the room `runtimes`. */
import type { TableShape } from './shape.ts'

export const runtimeShape = {
  kind: 'table',
  keys: {
    path: { kind: 'text', help: 'an OCI runtime: an absolute path, or a name to look up in PATH' },
    args: { kind: 'list', of: { kind: 'text' } },
    root: { kind: 'text', help: 'the state directory of an OCI runtime' },
    type: { kind: 'text', help: 'a containerd shim, such as io.containerd.kata.v2' },
    options: { kind: 'named', of: { kind: 'any' } },
  },
} as const satisfies TableShape
