/** Is there anything that could add to a policy? Reading settings costs more than a sandbox, and mostly there are none. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { policyRules } from '../config/sandbox.ts'
import type { Host } from '../host/facts.ts'
import { findProjectFiles } from './project-files.ts'

export function hasPolicySources(host: Host): boolean {
  const { XDG_CONFIG_HOME, HOME, USNEA_CONFIG } = host.env
  const folder = XDG_CONFIG_HOME || join(HOME ?? host.home ?? '/', '.config')
  const files = ['/etc/usnea/config.toml', join(folder, 'usnea/config.toml')]
  return (
    (USNEA_CONFIG ?? '') !== '' ||
    files.some((path) => existsSync(path)) ||
    policyRules.some((rule) => 'env' in rule && (host.env[rule.env] ?? '') !== '') ||
    findProjectFiles(host).length > 0
  )
}
