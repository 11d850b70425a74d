/** What the rules see: a document whose wrong-shaped parts were taken out, so every part has its type or is not there. */

export type Loose<T> = T extends readonly (infer Element)[]
  ? readonly Loose<Element>[]
  : T extends object
    ? { readonly [Key in keyof T]?: Loose<T[Key]> | undefined }
    : T

/** The elements of a list with their pointers; holes, left by elements of the wrong shape, are skipped. */
export function each<T>(list: readonly T[] | undefined, pointer: string): (readonly [element: T, pointer: string])[] {
  return (list ?? []).flatMap((element, index) =>
    element === undefined ? [] : [[element, `${pointer}/${index}`] as const],
  )
}
