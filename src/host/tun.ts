/** The device that pasta and slirp4netns make an interface with: tun(4). */
import { accessSync, constants } from 'node:fs'
import { type ErrorFacts, errnoOf } from '../base/errors.ts'

const device = '/dev/net/tun'

/** Undefined when we may open it. The programs open it with our rights, whatever namespace they have joined by then. */
export function whyNoTun(): ErrorFacts | undefined {
  try {
    accessSync(device, constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'EACCES' || errno === 'EPERM')
      return {
        errno,
        why: 'the device is there, but not open to this user; udev opens it to everybody, and does not run in most containers and small machines',
        fix: `sudo chmod 666 ${device}, or use --allow-host, which needs no device`,
      }
    return errno === undefined ? {} : { errno }
  }
}
