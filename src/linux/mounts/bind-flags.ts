/** Flags of the `bind` op: the same numbers as in native/init/ops_mount.c. */
export const BIND_RECURSIVE = 1
export const BIND_HELD = 2
export const BIND_NO_CREATE = 4
/** The slot is a descriptor of a detached copy of the source. */
export const BIND_OPENED = 8
/** What is mounted on it inside shows on the host, too. Other sources that were opened early are slaves of theirs. */
export const BIND_PEER = 16
