/** The policy of a call: options, the environment, the project's file, the user's and the system's, a profile. */
import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { RuntimeError } from '../base/errors.ts'
import { parseDuration } from '../base/units.ts'
import { environmentLayer } from '../config/environment.ts'
import { readTomlFile } from '../config/files.ts'
import { checkedLayer, documentLayer, type Layer } from '../config/layers.ts'
import { policyShape, sandboxShape } from '../config/sandbox.ts'
import { isTable, type Table } from '../config/shape.ts'
import type { Host } from '../host/facts.ts'
import { configPath } from '../state/paths.ts'
import { globIn } from './glob.ts'
import { expandAll, type Merged, mergePolicies, type PolicyLayer, withoutColon } from './merge.ts'
import { wrong } from './option-values.ts'
import type { SandboxOptions } from './options.ts'
import { fingerprint, leadsOut, narrowingOf, untrusted, widenings } from './project.ts'
import { findProjectFiles, type ProjectFile } from './project-files.ts'

const SYSTEM_FILE = '/etc/usnea/config.toml'

/**
 * `given` are the options of the call, the strongest layer.
 * @throws RuntimeError `config-file-…`, `project-untrusted`, `sandbox-option`
 */
export async function gatherPolicy(given: PolicyLayer, host: Host): Promise<Merged> {
  const own = await ownFiles(host)
  const below = mergePolicies(own.layers, host).options
  const project = projectLayers({ host, below, trust: own.trust })
  return mergePolicies([given, environment(host), ...project, ...own.layers], host)
}

function environment(host: Host): PolicyLayer {
  const layer = environmentLayer(host.env, policyShape)
  return { options: optionsOf(layer.values, host.cwd), place: (rule) => layer.place([rule]) }
}

interface OwnFiles {
  readonly layers: readonly PolicyLayer[]
  readonly trust: Table
}

/** The user's and the system's table `[sandbox]`, the user's first. */
async function ownFiles(host: Host): Promise<OwnFiles> {
  const named = host.env.USNEA_CONFIG || undefined
  const folder = named === undefined ? await configPath() : undefined
  const user = named === undefined ? folder && join(folder, 'config.toml') : resolve(host.cwd, named)
  const layers = [user, SYSTEM_FILE].flatMap((path) => {
    if (path === undefined || !existsSync(path)) return []
    const document = readTomlFile(path, host)
    const table = document?.values.sandbox
    if (document === undefined || !isTable(table)) return []
    const layer: Layer = {
      source: 'user',
      values: table,
      place: (at) => documentLayer(document, 'user').place(['sandbox', ...at]),
    }
    return [checkedLayer(layer, sandboxShape)]
  })
  const trust = Object.assign({}, ...layers.map(({ values }) => values.trust ?? {})) as Table
  return { layers: layers.map((layer) => policyLayer(layer, host, host.cwd)), trust }
}

interface Project {
  readonly host: Host
  readonly below: SandboxOptions
  /** Fingerprints by file. */
  readonly trust: Table
}

/**
 * The nearest first. All of them hold together: what takes away adds up, and an inner one may not give back what an outer
 * one takes. Paths are opened by the nearest that opens some, and by none outside of the repository.
 */
function projectLayers({ host, below, trust }: Project): PolicyLayer[] {
  const layers: PolicyLayer[] = []
  for (const file of findProjectFiles(host).reverse()) {
    const outer = mergePolicies(layers, host).options
    const around = mergePolicies([...layers, { options: below, place: () => '' }], host).options
    const layer = projectLayer(file, { host, below: around, trust, outer })
    if (layer !== undefined) layers.unshift(layer)
  }
  const opening = layers.findIndex(({ options }) => options.rw !== undefined || options.ro !== undefined)
  return layers.map((layer, i) => (i <= opening ? layer : { ...layer, options: withoutPaths(layer.options) }))
}

function withoutPaths({ rw: _, ro: __, ...options }: SandboxOptions): SandboxOptions {
  return options
}

interface Outer extends Project {
  readonly outer: SandboxOptions
}

function projectLayer({ path, isBeyond }: ProjectFile, { host, below, trust, outer }: Outer): PolicyLayer | undefined {
  // A pipe would be waited for without end.
  if (!statSync(path).isFile())
    throw new RuntimeError('config-file-unreadable', {
      what: `cannot read ${path}`,
      why: 'it is no file',
      fix: '--no-config passes it by',
    })
  const document = readTomlFile(path, host)
  if (document === undefined) return undefined
  const layer = checkedLayer(documentLayer(document, 'user'), policyShape)
  const directory = dirname(path)
  const says = { directory, values: layer.values, below, outer }
  if (isBeyond) return policyLayer({ ...layer, values: narrowingOf(says) }, host, directory)
  const print = fingerprint(layer.values, leadsOut(directory, layer.values))
  if (trust[path] !== print) {
    const found = widenings(says)
    if (found.length > 0) throw untrusted(path, print, found)
  }
  return policyLayer(layer, host, directory)
}

function policyLayer(layer: Layer, host: Host, directory: string): PolicyLayer {
  return { options: expandAll(optionsOf(layer.values, directory), host), place: (rule) => layer.place([rule]) }
}

/** Relative paths count from the directory of a project's file, and else from the current one. */
function optionsOf(values: Table, directory: string): SandboxOptions {
  const {
    'min-level': minLevel,
    'allow-host': allowHosts,
    proxy: proxyVariables,
    trust: _,
    timeout,
    grace,
    files,
    pids,
    cpus,
    env,
    ...rest
  } = values
  const paths = Object.fromEntries(
    ['rw', 'ro', 'hide', 'deny', 'socket', 'device'].flatMap((name) => {
      const list = values[name] as readonly string[] | undefined
      return list === undefined ? [] : [[name, list.map((text) => absoluteIn(directory, text, name))]]
    }),
  )
  return {
    ...rest,
    ...paths,
    ...(values.cwd === undefined ? {} : { cwd: resolve(directory, String(values.cwd)) }),
    ...(minLevel === undefined ? {} : { minLevel }),
    ...(allowHosts === undefined ? {} : { allowHosts }),
    ...(proxyVariables === undefined ? {} : { proxyVariables }),
    ...(timeout === undefined ? {} : { timeout: milliseconds(String(timeout), 'timeout') }),
    ...(grace === undefined ? {} : { grace: milliseconds(String(grace), 'grace') }),
    ...(files === undefined ? {} : { files: Number(files) }),
    ...(pids === undefined ? {} : { pids: Number(pids) }),
    ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    ...(env === undefined ? {} : { env: variables(env as readonly string[]) }),
  } as SandboxOptions
}

function absoluteIn(directory: string, text: string, rule: string): string {
  if (rule === 'hide' || rule === 'deny') return /^[/~$]/.test(text) ? text : globIn(directory, text)
  const [, mark = '', path = ''] = /^(\??)([\s\S]*)$/.exec(text) ?? []
  return /^[/~$]/.test(path) ? text : mark + resolve(withoutColon(directory, rule), path)
}

function milliseconds(text: string, rule: string): number {
  const time = parseDuration(text)
  if (time === undefined) throw wrong(rule, `${JSON.stringify(text)} is no time: write "30s", "500ms" or "2m"`)
  return time
}

/** `NAME=VALUE`, or `NAME` for the caller's, which expandAll puts in. */
function variables(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    list.map((text) => {
      const equals = text.indexOf('=')
      return equals < 0 ? [text, `$${text}`] : [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )
}
