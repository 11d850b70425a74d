/** The files of settings: where they are, and whether they may be believed. */
import { fstatSync } from 'node:fs'
import { errnoOf, isRuntimeError, RuntimeError } from '../base/errors.ts'
import { findForeignByte, readLimited } from '../base/files.ts'
import type { Host } from '../host/facts.ts'
import { documentLayer, type Layer, type Source } from './layers.ts'
import { readToml, type TomlDocument } from './toml.ts'

const LARGEST = 1 << 20
const GROUP_OR_OTHER_WRITE = 0o022
/** How a user namespace shows everybody who has no id in it: /etc of the machine belongs to that one. */
const OVERFLOW_ID = 65534

type Owner = Pick<Host, 'uid' | 'inUserNamespace'>

/** A missing file is an empty layer unless it `mustExist`. Throws config-file-…. */
export function fileLayer(path: string, source: Source, { mustExist = false, owner }: FileOptions): Layer | undefined {
  const document = readTomlFile(path, owner)
  if (document !== undefined) return documentLayer(document, source)
  if (mustExist) throw unreadable(path, 'ENOENT')
  return undefined
}

interface FileOptions {
  readonly mustExist?: boolean
  /** Who reads: another user's file could name programs that we would run. */
  readonly owner: Owner
}

/** Undefined when there is no such file. Throws config-file-unreadable, config-file-untrusted, config-file-syntax. */
export function readTomlFile(path: string, owner: Owner): TomlDocument | undefined {
  let bytes: Buffer
  try {
    bytes = readLimited(path, LARGEST, (fd) => assertTrusted(path, fd, owner))
  } catch (failure) {
    const errno = errnoOf(failure)
    if (errno === 'ENOENT') return undefined
    if (errno === undefined || isRuntimeError(failure)) throw failure
    throw unreadable(path, errno, failure)
  }
  const foreign = findForeignByte(bytes)
  if (foreign === undefined) return readToml(bytes.toString('utf8').replace(/^\uFEFF/, ''), path)
  const line = bytes.subarray(0, foreign).toString('latin1').split('\n')
  throw new RuntimeError('config-file-syntax', {
    what: `${path}:${line.length}:${(line.at(-1)?.length ?? 0) + 1}: this is not TOML`,
    why: 'a byte here is not UTF-8',
  })
}

function assertTrusted(path: string, fd: number, { uid, inUserNamespace }: Owner): void {
  const { uid: its, mode } = fstatSync(fd)
  const mayBe = [0, uid as number, ...(inUserNamespace ? [OVERFLOW_ID] : [])]
  if (!mayBe.includes(its)) {
    throw untrusted(path, `it belongs to user ${its} and we are user ${uid}`, `chown ${uid} ${path}`)
  }
  if ((mode & GROUP_OR_OTHER_WRITE) === 0) return
  throw untrusted(path, `others may write to it (mode 0${(mode & 0o7777).toString(8)})`, `chmod go-w ${path}`)
}

function untrusted(path: string, why: string, fix: string): RuntimeError {
  return new RuntimeError('config-file-untrusted', { what: `${path} is not obeyed`, why, fix })
}

function unreadable(path: string, errno: string, cause?: unknown): RuntimeError {
  return new RuntimeError('config-file-unreadable', {
    what: `cannot read ${path}`,
    errno,
    ...(errno === 'EFBIG' ? { why: `it is longer than ${LARGEST} bytes` } : {}),
    ...(cause === undefined ? {} : { cause }),
  })
}
