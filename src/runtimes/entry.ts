/** What is known of a runtime, before and after its program was looked up. */

export interface Named {
  readonly name: string
  /** Ours: no file can say otherwise. */
  readonly isStock: boolean
  /** Where it was said, for people. */
  readonly origin: string
}

/** A program that has the command line of an OCI runtime. */
export interface OciEntry extends Named {
  readonly kind: 'oci'
  /** Absolute, or a name for PATH. */
  readonly path: string
  readonly args: readonly string[]
  /** Its own state directory: runtimes cannot read each other's state. Absolute; nobody has made it yet. */
  readonly root: string
}

/** A program that speaks containerd's protocol for shims. */
export interface ShimEntry extends Named {
  readonly kind: 'shim'
  /** `io.containerd.kata.v2`, or the absolute path of a program. */
  readonly type: string
  /** Handed to the shim, whose business it is. */
  readonly options: Readonly<Record<string, unknown>> | undefined
}

export type RuntimeEntry = OciEntry | ShimEntry

/** `path` and `binary` are absolute paths of programs that are there. */
export type ResolvedRuntime =
  | {
      readonly kind: 'oci'
      readonly name: string
      readonly path: string
      readonly args: readonly string[]
      readonly root: string
    }
  | {
      readonly kind: 'shim'
      readonly name: string
      readonly type: string
      readonly binary: string
      readonly options: Readonly<Record<string, unknown>> | undefined
    }

export type ResolvedOci = Extract<ResolvedRuntime, { kind: 'oci' }>
