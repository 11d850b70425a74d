/**
 * Where each key of a TOML document stands. smol-toml tells a place only of what it cannot read, so this reads the
 * document a second time, for keys alone. It is given only documents that were read before, so it need not judge.
 */

/** From 1 on, as editors count. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Keys, and numbers for the elements of lists. */
export type Path = readonly (string | number)[]

export type Positions = ReadonlyMap<string, Place>

export const positionKey = (path: Path): string => JSON.stringify(path)

/** The place of each key and of each element of a list. */
export function findPositions(text: string): Positions {
  return new Scanner(text).scan()
}

const BARE_END = /[\s,\]}#=.]/
const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  e: '\u001b',
}

class Scanner {
  readonly #text: string
  readonly #found = new Map<string, Place>()
  readonly #lineStarts: number[]
  /** How many tables a list of tables has so far. */
  readonly #counts = new Map<string, number>()
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  }

  scan(): Positions {
    let table: Path = []
    for (this.#skip(); this.#at < this.#text.length; this.#skip()) {
      const before = this.#at
      if (this.#peek() === '[') table = this.#header()
      else this.#pair(table)
      // What we do not understand has no position; it must not hold us up.
      if (this.#at === before) this.#at++
    }
    return this.#found
  }

  #header(): Path {
    const start = this.#at
    const isList = this.#text.startsWith('[[', start)
    this.#at += isList ? 2 : 1
    const named = this.#key(start, (parts) => this.#resolve(parts))
    this.#blanks()
    this.#at += isList ? 2 : 1
    if (!isList) return named
    const count = this.#counts.get(positionKey(named)) ?? 0
    this.#counts.set(positionKey(named), count + 1)
    const element = [...named, count]
    this.#note(element, start)
    return element
  }

  /** `[a.b]` below `[[a]]` speaks of the last a. */
  #resolve(parts: readonly string[]): Path {
    const path: (string | number)[] = []
    for (const [index, part] of parts.entries()) {
      path.push(part)
      const count = this.#counts.get(positionKey(path))
      if (count !== undefined && index < parts.length - 1) path.push(count - 1)
    }
    return path
  }

  #pair(table: Path): void {
    const path = this.#key(this.#at, (parts) => [...table, ...parts])
    this.#blanks()
    if (this.#peek() !== '=') return
    this.#at++
    this.#blanks()
    this.#value(path)
  }

  /** A dotted key makes the tables on its way, so they have its place unless they had one before. */
  #key(start: number, pathOf: (parts: readonly string[]) => Path): Path {
    const parts: string[] = []
    do {
      if (parts.length > 0) this.#at++
      this.#blanks()
      parts.push(this.#keyPart())
      this.#blanks()
      this.#note(pathOf(parts), start)
    } while (this.#peek() === '.')
    return pathOf(parts)
  }

  #keyPart(): string {
    const quote = this.#peek()
    const start = this.#at
    if (quote === '"' || quote === "'") {
      this.#string()
      const raw = this.#text.slice(start + 1, this.#at - 1)
      return quote === '"' ? unquote(raw) : raw
    }
    while (this.#at < this.#text.length && !BARE_END.test(this.#peek())) this.#at++
    return this.#text.slice(start, this.#at)
  }

  #value(path: Path): void {
    const first = this.#peek()
    if (first === '"' || first === "'") this.#string()
    else if (first === '[') this.#list(path)
    else if (first === '{') this.#inlineTable(path)
    else while (this.#at < this.#text.length && !/[\n,\]}#]/.test(this.#peek())) this.#at++
  }

  #list(path: Path): void {
    this.#at++
    for (let index = 0; this.#more(']'); index++) {
      const before = this.#at
      this.#note([...path, index], before)
      this.#value([...path, index])
      if (this.#at === before) this.#at++
    }
    this.#at++
  }

  #inlineTable(path: Path): void {
    this.#at++
    while (this.#more('}')) {
      const before = this.#at
      this.#pair(path)
      if (this.#at === before) this.#at++
    }
    this.#at++
  }

  /** Over commas, white space and comments. Is there one more before `end`? */
  #more(end: string): boolean {
    for (this.#skip(); this.#peek() === ','; this.#skip()) this.#at++
    return this.#at < this.#text.length && this.#peek() !== end
  }

  /** Over a text in quotes, of one line or of many. */
  #string(): void {
    const quote = this.#peek()
    const fence = this.#text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote
    this.#at += fence.length
    while (this.#at < this.#text.length && !this.#text.startsWith(fence, this.#at)) {
      this.#at += quote === '"' && this.#peek() === '\\' ? 2 : 1
    }
    this.#at += fence.length
    // """ends so""""" : up to two more quotes belong to the text.
    if (fence.length === 3) while (this.#peek() === quote) this.#at++
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #blanks(): void {
    while (this.#peek() === ' ' || this.#peek() === '\t') this.#at++
  }

  #skip(): void {
    while (this.#at < this.#text.length) {
      if (/\s/.test(this.#peek())) this.#at++
      else if (this.#peek() === '#') while (this.#at < this.#text.length && this.#peek() !== '\n') this.#at++
      else return
    }
  }

  #note(path: Path, at: number): void {
    const key = positionKey(path)
    if (this.#found.has(key)) return
    let [low, high] = [0, this.#lineStarts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#lineStarts[middle] ?? 0) <= at) low = middle
      else high = middle - 1
    }
    this.#found.set(key, { line: low + 1, column: at - (this.#lineStarts[low] ?? 0) + 1 })
  }
}

function unquote(raw: string): string {
  return raw.replace(/\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))/gs, (_, u, U, x, letter) => {
    const code = u ?? U ?? x
    return code === undefined ? (escapes[letter] ?? letter) : String.fromCodePoint(Number.parseInt(code, 16))
  })
}
