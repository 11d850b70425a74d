/**
 * A name part that two processes do not choose alike. It guards no secret, since whoever uses it also creates
 * exclusively (O_EXCL, mkdir), so Math.random will do and node:crypto need not be loaded.
 */
export const randomSuffix = (): string => `${process.pid.toString(36)}${Math.random().toString(36).slice(2, 12)}`
