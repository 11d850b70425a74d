/** Lists of CPUs and memory nodes, such as `0-3,7`: cpuset(7), "List format". */

/** More than any kernel is built for: CONFIG_NR_CPUS is at most 8192, CONFIG_NODES_SHIFT at most 10. */
export const LAST_CPU = 8191
export const LAST_NODE = 1023

/** The numbers in order, each once; undefined when the text is no such list or a number is larger than `last`. */
export function parseNumberList(text: string, last: number): number[] | undefined {
  const numbers = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,10})(?:-(\d{1,10}))?\s*$/.exec(part)
    if (match === null) return undefined
    const from = Number(match[1])
    const to = Number(match[2] ?? match[1])
    if (to < from || to > last) return undefined
    for (let number = from; number <= to; number++) numbers.add(number)
  }
  return [...numbers].toSorted((a, b) => a - b)
}
