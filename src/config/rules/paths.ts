/** Rules about files: what of the host is shown, and how. */
import type { PolicyRule } from './rule.ts'

export const pathRules = [
  {
    name: 'rw',
    option: 'rw',
    kind: 'list',
    written: 'texts',
    value: 'PATH[:DEST]',
    help: 'show a path of the host, writable',
    project: 'inside',
  },
  {
    name: 'ro',
    option: 'ro',
    kind: 'list',
    written: 'texts',
    value: 'PATH[:DEST]',
    help: 'show a path of the host, read-only',
    project: 'inside',
  },
  {
    name: 'hide',
    option: 'hide',
    kind: 'list',
    written: 'texts',
    value: 'PATH',
    help: 'cover a path',
    project: 'narrows',
  },
  {
    name: 'deny',
    option: 'deny',
    kind: 'list',
    written: 'texts',
    value: 'PATH',
    help: 'let every access to a path fail',
    project: 'narrows',
  },
  {
    name: 'socket',
    option: 'socket',
    kind: 'list',
    written: 'texts',
    value: 'PATH',
    help: 'show one unix socket of the host',
    project: 'never',
  },
  {
    name: 'device',
    option: 'device',
    kind: 'list',
    written: 'texts',
    value: 'PATH',
    help: 'show a device, or a directory of devices, below /dev',
    project: 'never',
  },
] as const satisfies readonly PolicyRule[]
