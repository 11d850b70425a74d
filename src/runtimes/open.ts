/** The registry of a process that stays: read once, and again on demand. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Config, type ConfigOptions, readConfig } from '../config/config.ts'
import type { Host } from '../host/facts.ts'
import { chooseStateRoot } from '../state/paths.ts'
import { buildRegistry, type Registry, type RegistryFacts } from './registry.ts'

export interface RegistryOptions {
  readonly config?: ConfigOptions
  /** Instead of a directory in the usual state directory. Absolute. */
  readonly stateRoot?: string
  /** The directory with usnea and its shim, where we are not what it starts. Absolute. */
  readonly programs?: string
}

export interface RegistryChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Those who are asked for from now on are others; what was resolved before stays as it is. */
  readonly changed: readonly string[]
}

/** @throws RuntimeError config-file-…, `runtime-invalid`, `runtime-default`, root-unusable, xdg-… */
export async function openRegistry(host: Host, options: RegistryOptions = {}): Promise<LiveRegistry> {
  const facts: RegistryFacts = {
    env: host.env,
    programs: options.programs ?? ourPrograms(),
    stateRoot: options.stateRoot ?? defaultStateRoot(host),
  }
  const load = async () => {
    const config = await readConfig(host, options.config)
    return { config, registry: buildRegistry(config.settings, facts) }
  }
  return new LiveRegistry(load, await load())
}

/** `@` is in no container id, so no container of ours can have this directory. */
function defaultStateRoot(host: Host): string {
  return join(chooseStateRoot(host).path, '@runtimes')
}

interface Loaded {
  readonly config: Config
  readonly registry: Registry
}

export class LiveRegistry {
  readonly #load: () => Promise<Loaded>
  #loaded: Loaded
  #waiting: Promise<unknown> = Promise.resolve()

  constructor(load: () => Promise<Loaded>, first: Loaded) {
    this.#load = load
    this.#loaded = first
  }

  get current(): Registry {
    return this.#loaded.registry
  }

  get config(): Config {
    return this.#loaded.config
  }

  /**
   * Reads everything again, and only when all of it is good does it count: on an error the registry is what it was.
   * Calls at the same time go one after the other, so the last one wins. For SIGHUP.
   * @throws what `openRegistry` throws
   */
  async reload(): Promise<RegistryChange> {
    const turn = this.#waiting.then(() => this.#take())
    this.#waiting = turn.catch(() => {})
    return await turn
  }

  async #take(): Promise<RegistryChange> {
    const old = this.#loaded.registry.runtimes
    this.#loaded = await this.#load()
    const now = this.#loaded.registry.runtimes
    const both = [...now.keys()].filter((name) => old.has(name))
    return {
      added: [...now.keys()].filter((name) => !old.has(name)),
      removed: [...old.keys()].filter((name) => !now.has(name)),
      changed: both.filter((name) => whatItDoes(old, name) !== whatItDoes(now, name)),
    }
  }
}

/** A line that moved in its file is no change. */
function whatItDoes(runtimes: Registry['runtimes'], name: string): string {
  return JSON.stringify({ ...runtimes.get(name), origin: '' })
}

/** `bin` of the package or checkout that this code is a part of: dist/cli and src/runtimes, or dist/lib/runtimes. */
export function ourPrograms(): string {
  const here = fileURLToPath(import.meta.url)
  const places = ['../../../bin', '../../../../bin'].map((up) => join(here, up))
  return places.find((place) => existsSync(join(place, 'usnea'))) ?? '/usr/bin'
}
