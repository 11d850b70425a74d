/** The only koffi import: loads native/lib. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RuntimeError } from '../base/errors.ts'
import { errnoName } from './errno.ts'
import { bind, type Native } from './functions.ts'

/** The directory that holds usnea-init, usnea-attend, usnea-watch and libusnea.so: a checkout's build, or the package's own for this machine. */
function nativeDirectory(): string {
  const tried: string[] = []
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    for (const directory of [join(at, 'native/build'), join(at, `native/prebuilt/linux-${process.arch}`)]) {
      if (existsSync(join(directory, 'libusnea.so'))) return directory
      tried.push(directory)
    }
    if (at === dirname(at)) throw new RuntimeError('native-missing', { details: [`looked in ${tried.join(', ')}`] })
  }
}

/**
 * Late, because it is the one heavy module and only a launch needs it. koffi's own entry spends three quarters of its
 * time on finding its package for this platform, so that one is asked first.
 */
function loadKoffi(): typeof import('koffi') {
  const load = loader()
  const name = `@koromix/koffi-linux-${process.arch}`
  try {
    // Its entry reads the program of Node to tell C libraries apart, which takes longer than loading what it chooses.
    if (!existsSync(`/lib/ld-musl-${machine}.so.1`)) return load(`${name}/linux_${process.arch}/koffi.node`)
  } catch {
    // another release may lie differently
  }
  try {
    return load(name)
  } catch {
    return load('koffi') // a package manager that shows us direct dependencies only
  }
}

const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'

/** In the bundle there is a `require`; node:module would bring threads and streams along. */
const loader = (): NodeJS.Require =>
  typeof require === 'function' ? require : process.getBuiltinModule('node:module').createRequire(import.meta.url)

let loaded: { native: Native; directory: string } | undefined

export function load(): { native: Native; directory: string } {
  if (loaded) return loaded
  const directory = nativeDirectory()
  const library = loadKoffi().load(join(directory, 'libusnea.so'))
  const native = bind(library)
  loaded = { native, directory }
  return loaded
}

export const native = (): Native => load().native

let initDescriptor: number | undefined

/**
 * A sealed memory copy of init, made once a process and kept for its life.
 * @throws RuntimeError `memfd-refused` (memfd_create(2), fcntl(2) F_ADD_SEALS)
 */
export function sealedInit(): number {
  if (initDescriptor === undefined) {
    const { native, directory } = load()
    const fd = native.sealedInit(join(directory, 'usnea-init'))
    if (fd < 0) throw new RuntimeError('memfd-refused', { errno: errnoName(-fd) })
    initDescriptor = fd
  }
  return initDescriptor
}
