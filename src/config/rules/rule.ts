/** One rule of a sandbox's policy, as data: how it is said in each place, and who may say it. */
/** How a value is written in a file. */
export type Written = 'texts' | 'ports' | 'names' | 'text' | 'switch'

export interface PolicyRule {
  /** Of the option, without dashes, and the key in a file. */
  readonly name: string
  /** In `sandbox({ … })`. */
  readonly option: string
  readonly kind: 'list' | 'text' | 'boolean'
  readonly written: Written
  readonly value?: string
  readonly short?: string
  readonly help: string
  readonly empty?: 'kept'
  readonly bytes?: true
  readonly oneOf?: readonly string[]
  readonly env?: string
  /**
   * What an untrusted project's file may say: `narrows`, because it only takes away; `inside`, of paths in the project
   * itself; a sentence where only some values do; `never`.
   */
  readonly project: 'narrows' | 'inside' | 'never' | { readonly only: string }
}
