import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { ManifestFolder } from '../support/api/manifests.js'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

const LOG_TIMEOUT_MS = 30_000 * TIMEOUT_FACTOR
const UDP_TIMEOUT = '/proc/sys/net/netfilter/nf_conntrack_udp_timeout'
/** What no file that is refused may set. */
const REFUSED_SECONDS = 66
const LIMIT_BYTES = 1024 ** 2

/** Puts something at a path where nothing is. */
type Put = (path: string) => void
/** Makes the text of a configuration file with this `udpTimeout`. */
type Write = (seconds: number) => string

interface Refused {
  readonly name: string
  readonly make: (write: Write) => Put
  /** The only error about it. */
  readonly error: RegExp
}

interface Accepted {
  readonly name: string
  readonly make: (write: Write, seconds: number) => Put
  /** The only warning about it. */
  readonly warning?: RegExp
}

const content =
  (bytes: string | Buffer): Put =>
  path =>
    writeFileSync(path, bytes)

/** Ten lists of ten aliases each: ten billion values. */
const bomb = ['a0: &a0 x']
  .concat(Array.from({ length: 10 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]`))
  .join('\n')

const REFUSED: readonly Refused[] = [
  { name: 'an empty file', make: () => content(''), error: /config:1: the file is empty; expected one KubeProxyConf/ },
  {
    name: 'a file of comments',
    make: write => content(write(REFUSED_SECONDS).replaceAll(/^/gm, '# ')),
    error: /config:1: the file is empty/,
  },
  {
    name: 'a folder',
    make: () => path => mkdirSync(path),
    error: /config\\": it is a folder, expected a regular file/,
  },
  {
    name: 'a FIFO',
    make: () => path => execFileSync('mkfifo', [path]),
    error: /config\\": it is a FIFO, expected a regular file/,
  },
  {
    name: 'a device',
    make: () => path => symlinkSync('/dev/zero', path),
    error: /config\\": it is a device, expected a regular file/,
  },
  { name: 'no file', make: () => () => undefined, error: /config\\": ENOENT/ },
  { name: 'a link to itself', make: () => path => symlinkSync(path, path), error: /config\\": ELOOP/ },
  {
    name: 'two documents',
    make: write => content(`${write(REFUSED_SECONDS)}---\n${write(REFUSED_SECONDS)}`),
    error: /config:7: a second document begins here; expected one KubeProxyConfiguration/,
  },
  {
    name: 'another kind',
    make: write => content(write(REFUSED_SECONDS).replace('KubeProxyConf', 'KubeletConf')),
    error: /config:2: kind \\"KubeletConfiguration\\": expected KubeProxyConfiguration/,
  },
  {
    name: 'another version',
    make: write => content(write(REFUSED_SECONDS).replace('v1alpha1', 'v1')),
    error: /config:1: apiVersion \\"kubeproxy\.config\.k8s\.io\/v1\\": expected kubeproxy\.config\.k8s\.io\/v1alpha1/,
  },
  {
    name: 'a list',
    make: write => content(`- ${JSON.stringify(write(REFUSED_SECONDS))}`),
    error: /config:1: .*: expected a KubeProxyConfiguration: a map of fields/,
  },
  {
    name: 'a duplicate key with a wrong value',
    make: write => content(`${write(REFUSED_SECONDS)}mode: ebpf\n`),
    error: /config:6: mode \\"ebpf\\": expected userspace, iptables, ipvs/,
  },
  {
    name: 'a wrong type',
    make: write => content(`${write(REFUSED_SECONDS)}logging: 3\n`),
    error: /config:6: logging 3: expected a map of fields/,
  },
  {
    name: 'an anchor bomb',
    make: write => content(`${write(REFUSED_SECONDS)}${bomb}\n`),
    error: /config:\d+: the aliases of this document stand for more than 100000 values/,
  },
  {
    name: 'an anchor inside of itself',
    make: write => content(`${write(REFUSED_SECONDS)}a: &a [*a]\n`),
    error: /config:6: the anchor \\"a\\" contains an alias of itself/,
  },
  {
    name: 'a file cut in half',
    make: write => {
      const text = write(REFUSED_SECONDS)
      return content(text.slice(0, text.indexOf('dataPlaneWorkers')))
    },
    error: /config:5: not valid YAML: /,
  },
  {
    name: 'a file of UTF-16',
    make: write => content(Buffer.from(write(REFUSED_SECONDS), 'utf16le')),
    error: /config\\": line 1 is not text, expected UTF-8/,
  },
  {
    name: 'a file larger than the limit',
    make: write => content(`${write(REFUSED_SECONDS)}#${'x'.repeat(LIMIT_BYTES)}\n`),
    error: /config\\": it has \d+ bytes, expected at most 1048576 bytes/,
  },
]

const ACCEPTED: readonly Accepted[] = [
  { name: 'a byte order mark', make: (write, seconds) => content(`\uFEFF${write(seconds)}`) },
  { name: 'CRLF', make: (write, seconds) => content(write(seconds).replaceAll('\n', '\r\n')) },
  {
    name: 'a duplicate key, of which the last one counts',
    make: (write, seconds) => content(`${write(REFUSED_SECONDS)}conntrack: {udpTimeout: ${seconds}s}\n`),
    warning: /Field given twice in the configuration file.* field="conntrack" .*line="6"/,
  },
  {
    name: 'an anchor and its alias',
    make: (write, seconds) =>
      content(write(seconds).replace(/udpTimeout: (\w+)/, 'udpTimeout: &same $1, udpStreamTimeout: *same')),
  },
  { name: 'an empty document beside it', make: (write, seconds) => content(`---\n---\n${write(seconds)}---\n`) },
  {
    name: 'a file as large as the limit',
    make: (write, seconds) => {
      const text = `${write(seconds)}#`
      return content(text + 'x'.repeat(LIMIT_BYTES - text.length))
    },
  },
]

/** A proxy that follows a configuration file. */
async function startProxy(t: Test) {
  const network = await NodeNetwork.create(t)
  const manifests = new ManifestFolder(t)
  const folder = mkdtempSync(join(tmpdir(), 'configuration-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'config')
  const write: Write = seconds =>
    [
      'apiVersion: kubeproxy.config.k8s.io/v1alpha1',
      'kind: KubeProxyConfiguration',
      'mode: userspace',
      `conntrack: {udpTimeout: ${seconds}s}`,
      `userspace: {manifests: ["${manifests.path}"], dataPlaneWorkers: 0, onExit: keep}`,
      '',
    ].join('\n')
  let puts = 0
  /** The path is a link, which moves at once from what was there before: no moment is without a file. */
  const replace = (put: Put): void => {
    const [target, draft] = [join(folder, `content-${++puts}`), join(folder, 'draft')]
    put(target)
    symlinkSync(target, draft)
    renameSync(draft, path)
  }
  replace(content(write(100)))
  const child = network.start(network.node, process.execPath, [
    PROXY_PROGRAM,
    `--config=${path}`,
    '--status-socket=',
    '-v=2',
  ])
  const log = new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS)
  await log.waitFor(/Synced rules" family="IPv4"/)
  return {
    log,
    write,
    replace,
    waitUntilSet: (seconds: number, from: number) =>
      log.waitFor(new RegExp(`"Set conntrack" setting="nf_conntrack_udp_timeout=${seconds}"`), from),
    udpTimeout: async () => Number((await network.node.run('cat', [UDP_TIMEOUT])).stdout),
    stop: async () => {
      const ended = once(child, 'exit') as Promise<[number | null]>
      child.kill('SIGTERM')
      return (await ended)[0]
    },
  }
}

t.test('a running proxy keeps its configuration when its file', { skip: namespacesUnavailable }, async t => {
  const { log, write, replace, waitUntilSet, udpTimeout, stop } = await startProxy(t)
  let seconds = await udpTimeout()
  t.equal(seconds, 100)
  for (const { name, make, error } of REFUSED)
    await t.test(`becomes ${name}: one error, until the next good file`, async t => {
      const from = log.lines.length
      replace(make(write))
      await log.waitFor(/"Configuration file not used: the last good configuration stays"/, from)
      t.equal(await udpTimeout(), seconds, 'nothing has changed')
      replace(content(write(++seconds)))
      await waitUntilSet(seconds, from)
      t.equal(await udpTimeout(), seconds, 'the next good file is used')
      const lines = log.lines.slice(from)
      const errors = lines.filter(line => line.startsWith('E'))
      t.equal(errors.length, 1, errors.join('\n'))
      t.match(errors[0], error)
      t.match(errors[0], /code="CONFIG_INVALID"/)
      t.notMatch(lines.join('\n'), new RegExp(`=${REFUSED_SECONDS}"`))
    })
  t.equal(await stop(), 0)
})

t.test('a running proxy uses a file that has', { skip: namespacesUnavailable }, async t => {
  const { log, write, replace, waitUntilSet, udpTimeout, stop } = await startProxy(t)
  let seconds = await udpTimeout()
  for (const { name, make, warning } of ACCEPTED)
    await t.test(name, async t => {
      const from = log.lines.length
      replace(make(write, ++seconds))
      await waitUntilSet(seconds, from)
      t.equal(await udpTimeout(), seconds)
      const complaints = log.lines.slice(from).filter(line => /^[EW]/.test(line))
      t.equal(complaints.length, warning === undefined ? 0 : 1, complaints.join('\n'))
      if (warning !== undefined) t.match(complaints[0], warning)
    })
  t.equal(await stop(), 0)
})
