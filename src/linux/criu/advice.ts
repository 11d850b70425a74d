/** Which option of ours criu would have needed. Its own words name those of its command line, where they name any. Pure. */

const needed: readonly (readonly [words: RegExp, advice: string])[] = [
  [/Some file locks are hold/, 'to take file locks along: --file-locks'],
  [/Can't create link remap/, 'to take along files that were removed: --link-remap'],
  [/In-flight connection/, 'to leave out connections that are being made: --tcp-skip-in-flight'],
  [
    /Connected TCP socket in image|Need to set the --tcp-close/,
    'to go on with TCP connections: --tcp-established; to close them: --tcp-close',
  ],
  [/Connected TCP socket/, 'to take TCP connections along: --tcp-established, at both ends'],
  [/External socket|without peer/, 'to take along unix sockets that lead outside: --ext-unix-sk, at both ends'],
  [
    /--shell-job|Can't lookup mount=\d+ for fd=\d+ path=\/dev\/(pts|tty|console)/,
    'to let go of a terminal of somebody else, for that of restore: --shell-job',
  ],
  [
    /iptables|nftables|nft |Can't lock network/i,
    'to block connections another way: --network-lock nftables, iptables or skip',
  ],
]

/** @param lines what criu wrote about its failure */
export function adviceOf(lines: readonly string[]): string | undefined {
  return needed.find(([words]) => lines.some((line) => words.test(line)))?.[1]
}
