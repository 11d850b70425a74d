/** Columns of text, laid out as Go's tabwriter does it for runc: at least 12 wide, 3 spaces apart, the last one bare. */

export interface TableLayout {
  readonly narrowest: number
  readonly gap: number
  /** A longer cell pushes only what stands behind it in its own row. */
  readonly widest?: number
}

const runcLayout: TableLayout = { narrowest: 12, gap: 3 }

export function printTable(rows: readonly (readonly string[])[], layout: TableLayout = runcLayout): string {
  const widths: number[] = []
  const widest = layout.widest ?? Number.POSITIVE_INFINITY
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? layout.narrowest, Math.min(length(cell), widest) + layout.gap)
    }
  }
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => pad(cell, widths[column], layout.gap))
          .join('')
          .trimEnd()}\n`,
    )
    .join('')
}

function pad(cell: string, width: number | undefined, gap: number): string {
  return width === undefined ? cell : cell + ' '.repeat(Math.max(width - length(cell), gap))
}

/** In code points: ids and paths, no more is needed. */
function length(text: string): number {
  return [...text].length
}
