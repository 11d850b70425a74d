/** The entry of the command line. */
import { execute } from './execute.ts'
import { processIo } from './io.ts'

/**
 * Node 22.8 and later keep compiled code. The cache lies beside the code, not in a place that somebody else could
 * write to: who can poison it can change the code as well. Where we may not write there simply is none.
 */
function keepCompiledCode(): void {
  if (Number.parseInt(process.versions.node, 10) < 22 || import.meta.url.endsWith('.ts')) return
  const { enableCompileCache } = process.getBuiltinModule('node:module') as {
    enableCompileCache?: (directory: string) => unknown
  }
  enableCompileCache?.(new URL('./cache', import.meta.url).pathname)
}

keepCompiledCode()
// Every write was done in place, so nothing is lost; and no timer or socket may keep us after the answer.
execute(process.argv.slice(2), processIo()).then((status) => process.exit(status))
