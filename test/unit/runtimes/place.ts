/** A directory with programs, and registries that are made from TOML. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostId } from '../../../src/base/ids.ts'
import { knownSettings, stockSettings } from '../../../src/config/known.ts'
import { defaultLayer, documentLayer, mergeLayers } from '../../../src/config/layers.ts'
import { readToml } from '../../../src/config/toml.ts'
import { openRegistry } from '../../../src/runtimes/open.ts'
import { buildRegistry, type RegistryFacts } from '../../../src/runtimes/registry.ts'
import { aHost } from '../host/literal.ts'

export const directory = mkdtempSync(join(tmpdir(), 'usnea-runtimes-'))
// Not after(): that comes when the tests of one file are over, and the next one, which has this place too, is still being read.
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

export const uid = process.geteuid?.() ?? 0

/** A program in a directory of its own. */
export function program(path: string, text = '#!/bin/sh\n', mode = 0o755): string {
  const whole = join(directory, path)
  mkdirSync(join(whole, '..'), { recursive: true })
  writeFileSync(whole, text)
  chmodSync(whole, mode)
  return whole
}

program('ours/usnea')
program('ours/containerd-shim-usnea-v2')

export const facts: RegistryFacts = {
  env: { PATH: join(directory, 'path') },
  programs: join(directory, 'ours'),
  stateRoot: join(directory, 'state'),
}

/** Each text is a file of its own, called `1.toml`, `2.toml`, … */
export function registryOf(...texts: string[]) {
  const layers = texts.map((text, index) => documentLayer(readToml(text, `${index + 1}.toml`), 'user'))
  return buildRegistry(mergeLayers([defaultLayer(stockSettings), ...layers], knownSettings), facts)
}

/** A registry that lives, and its file. */
export async function living(text: string) {
  const file = join(mkdtempSync(join(directory, 'live-')), 'config.toml')
  const write = (content: string) => writeFileSync(file, content, { mode: 0o600 })
  write(text)
  const registry = await openRegistry(aHost({ uid: hostId(uid), env: facts.env }), {
    config: { file, systemFile: join(directory, 'none') },
    stateRoot: facts.stateRoot,
    programs: facts.programs,
  })
  return { registry, write }
}
