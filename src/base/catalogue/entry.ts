/** What the catalogue says of one error code. */
export interface CatalogueEntry {
  readonly what: string
  readonly why?: string
  readonly fix?: string
  /** Process exit status; 1 when absent. */
  readonly exit?: number
}
