/** A unified diff of two texts: Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), with a bound on D. */

/** More differing lines than that are not looked for: the whole file counts as another one. */
const MOST = 2000
const CONTEXT = 3

interface Edit {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

/** Hunks only, without the names of files; undefined when the texts differ too much. */
export function compareText(before: string, after: string): string | undefined {
  const [a, b] = [linesOf(before), linesOf(after)]
  const edits = script(a, b)
  return edits === undefined ? undefined : printHunks(edits)
}

/** A last line without an end is another one than the same line with it. */
function linesOf(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  const last = lines.pop() ?? ''
  return last === '' ? lines : [...lines, `${last}\n\\ No newline at end of file`]
}

function script(a: readonly string[], b: readonly string[]): Edit[] | undefined {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  const middle = left.length === 0 || right.length === 0 ? whole(left, right) : shortest(left, right)
  if (middle === undefined) return undefined
  const same = (line: string): Edit => ({ sign: ' ', line })
  return [...a.slice(0, start).map(same), ...middle, ...a.slice(a.length - end).map(same)]
}

const whole = (left: readonly string[], right: readonly string[]): Edit[] => [
  ...left.map((line) => ({ sign: '-', line }) as const),
  ...right.map((line) => ({ sign: '+', line }) as const),
]

/** The furthest places reached with so many edits, remembered for the way back. */
function shortest(a: readonly string[], b: readonly string[]): Edit[] | undefined {
  const most = Math.min(a.length + b.length, MOST)
  const reached = new Map<number, number>([[1, 0]])
  const trail: Map<number, number>[] = []
  for (let edits = 0; edits <= most; edits++) {
    trail.push(new Map(reached))
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const [under, over] = [reached.get(diagonal - 1) ?? -1, reached.get(diagonal + 1) ?? -1]
      let x = diagonal === -edits || (diagonal !== edits && under < over) ? over : under + 1
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x++
      reached.set(diagonal, x)
      if (x >= a.length && x - diagonal >= b.length) return walkBack(a, b, trail)
    }
  }
  return undefined
}

function walkBack(a: readonly string[], b: readonly string[], trail: readonly ReadonlyMap<number, number>[]): Edit[] {
  const edits: Edit[] = []
  let [x, y] = [a.length, b.length]
  for (let depth = trail.length - 1; depth >= 0; depth--) {
    const reached = trail[depth] ?? new Map<number, number>()
    const diagonal = x - y
    const [under, over] = [reached.get(diagonal - 1) ?? -1, reached.get(diagonal + 1) ?? -1]
    const isAdded = diagonal === -depth || (diagonal !== depth && under < over)
    const before = isAdded ? diagonal + 1 : diagonal - 1
    const fromX = depth === 0 ? 0 : (reached.get(before) ?? 0)
    const fromY = depth === 0 ? 0 : fromX - before
    while (x > fromX && y > fromY) {
      edits.push({ sign: ' ', line: a[--x] ?? '' })
      y--
    }
    if (depth === 0) break
    if (isAdded) edits.push({ sign: '+', line: b[--y] ?? '' })
    else edits.push({ sign: '-', line: a[--x] ?? '' })
  }
  return edits.reverse()
}

function printHunks(edits: readonly Edit[]): string {
  let text = ''
  let [oldLine, newLine] = [1, 1]
  for (let at = 0; at < edits.length; ) {
    const next = edits.findIndex(({ sign }, index) => index >= at && sign !== ' ')
    if (next < 0) break
    const from = Math.max(at, next - CONTEXT)
    oldLine += from - at
    newLine += from - at
    const to = endOfHunk(edits, next)
    const hunk = edits.slice(from, to)
    const [olds, news] = ['+', '-'].map((other) => hunk.filter(({ sign }) => sign !== other).length) as [number, number]
    text += `@@ -${range(oldLine, olds)} +${range(newLine, news)} @@\n`
    text += hunk.map(({ sign, line }) => `${sign}${line}\n`).join('')
    oldLine += olds
    newLine += news
    at = to
  }
  return text
}

/** Changes that are near each other share a hunk. */
function endOfHunk(edits: readonly Edit[], first: number): number {
  let last = first
  for (let at = first; at < edits.length && at <= last + 2 * CONTEXT; at++) if (edits[at]?.sign !== ' ') last = at
  return Math.min(edits.length, last + 1 + CONTEXT)
}

/** diff(1) counts from the line before where there is none. */
const range = (line: number, count: number): string => (count === 0 ? `${line - 1},0` : `${line},${count}`)
