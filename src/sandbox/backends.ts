/** The ways to try something. */

/** Best first. */
export const backendNames = ['overlay', 'fuse-overlayfs', 'copy'] as const

/** `overlay` is the kernel's, `fuse-overlayfs` a program's that serves the same over FUSE, `copy` a copy of the directories. */
export type Backend = (typeof backendNames)[number]

export const isBackend = (text: unknown): text is Backend => backendNames.some((name) => name === text)
