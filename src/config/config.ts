/**
 * The settings of this call: the system's file, the user's, the environment, options; later ones win, key by key.
 * Files are TOML and data only: nothing in them is ever run, and no other file is drawn in.
 */
import { join, resolve } from 'node:path'
import type { Host } from '../host/facts.ts'
import { configPath } from '../state/paths.ts'
import { environmentLayer } from './environment.ts'
import { fileLayer } from './files.ts'
import { type KnownValues, knownSettings, stockSettings } from './known.ts'
import { defaultLayer, type Layer, mergeLayers, type Settings } from './layers.ts'

export const SYSTEM_FILE = '/etc/usnea/config.toml'
const NAME = 'config.toml'

export interface ConfigOptions {
  /** Instead of the user's file; it must exist. The variable USNEA_CONFIG stands in for it. */
  readonly file?: string
  /** What options of the call say, on top of all. */
  readonly options?: Layer
  /** Another place than /etc/usnea/config.toml: for tests. */
  readonly systemFile?: string
}

export interface ConfigFile {
  readonly path: string
  readonly source: 'system' | 'user'
  readonly exists: boolean
}

export interface Config {
  readonly settings: Settings<KnownValues>
  /** Where was looked, whether there was anything or not. */
  readonly files: readonly ConfigFile[]
}

/** Throws config-file-unreadable, config-file-untrusted, config-file-syntax or config-file-invalid. */
export async function readConfig(host: Host, options: ConfigOptions = {}): Promise<Config> {
  const system = options.systemFile ?? SYSTEM_FILE
  const named = options.file || host.env.USNEA_CONFIG || undefined
  const user = named === undefined ? await userConfigFile() : resolve(host.cwd, named)
  const systemLayer = fileLayer(system, 'system', { owner: host })
  const userLayer =
    user === undefined ? undefined : fileLayer(user, 'user', { mustExist: named !== undefined, owner: host })
  const layers = [
    defaultLayer(stockSettings),
    systemLayer,
    userLayer,
    environmentLayer(host.env, knownSettings),
    options.options,
  ].filter((layer) => layer !== undefined)
  return {
    settings: mergeLayers(layers, knownSettings),
    files: [
      { path: system, source: 'system', exists: systemLayer !== undefined },
      ...(user === undefined ? [] : [{ path: user, source: 'user', exists: userLayer !== undefined } as const]),
    ],
  }
}

/** ~/.config/usnea/config.toml; undefined for a user without a home. */
export async function userConfigFile(): Promise<string | undefined> {
  const directory = await configPath()
  return directory === undefined ? undefined : join(directory, NAME)
}
