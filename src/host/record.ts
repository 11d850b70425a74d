/** A frozen record whose fields are worked out when they are first read, and then kept. */
type Makers<T> = { readonly [Key in keyof T]-?: () => T[Key] }

/**
 * Most commands need few of the facts, and some facts cost a process. The memory belongs to the record, not to the
 * module: a new record reads the machine anew. Spreading the record reads every field.
 */
export function lazyRecord<T extends object>(makers: Makers<T>): T {
  const record = {} as T
  for (const key of Object.keys(makers) as (keyof T)[]) {
    Object.defineProperty(record, key, { enumerable: true, get: once(makers[key]) })
  }
  return Object.freeze(record)
}

export function once<T>(make: () => T): () => T {
  let kept: { readonly value: T } | undefined
  return () => {
    kept ??= { value: make() }
    return kept.value
  }
}
