/** One listener at an abort signal for all commands that share it: a thousand of them are no leak, and Node takes more than ten for one. */

const heard = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls it when the signal is aborted; what comes back takes that away again. It must not throw. */
export function onAbort(signal: AbortSignal | undefined, tell: () => void): () => void {
  if (signal === undefined) return () => {}
  const known = heard.get(signal)
  const all = known ?? new Set()
  // A function may come twice, and each of its times goes by itself.
  const one = () => tell()
  all.add(one)
  if (known === undefined) {
    heard.set(signal, all)
    signal.addEventListener('abort', tellAll)
  }
  return () => {
    all.delete(one)
    if (all.size > 0 || heard.get(signal) !== all) return
    heard.delete(signal)
    signal.removeEventListener('abort', tellAll)
  }
}

function tellAll(this: AbortSignal): void {
  for (const tell of [...(heard.get(this) ?? [])]) tell()
}
