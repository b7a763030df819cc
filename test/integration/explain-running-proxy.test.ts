import { createServer } from 'node:http'
import { once } from 'node:events'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import { VERSION } from '../../lib/control/version.js'
import { type ExplainedCandidate, type Explanation } from '../../lib/explain/explanation.js'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'
import { StatusNode } from '../support/status/status-node.js'

const LIMIT = { timeoutMs: 60_000 }
/** What changes between two answers. */
const COUNTS: ReadonlySet<string> = new Set(['packets', 'bytes', 'open', 'msAgo', 'forMs'])
const STICKY = { clusterIP: '10.96.0.77', port: 81 }
const HALF = { clusterIP: '10.96.0.78', port: 82 }

/** A node whose Services have affinity, and an endpoint that refuses connections. */
async function createNode(t: Test, ...flags: readonly string[]) {
  const status = await StatusNode.create(t, flags)
  const { node } = status
  const refusing = `${node.ips[0]}:9`
  const slice = {
    ...makeSliceManifest('half', node.ips.slice(0, 1), 9),
    metadata: { namespace: 'default', name: 'half-2', labels: { 'kubernetes.io/service-name': 'half' } },
  }
  node.write(
    node.ips,
    makeServiceManifest('sticky', { ...STICKY, affinity: true }),
    makeSliceManifest('sticky', node.ips, 8080),
    makeServiceManifest('half', HALF),
    makeSliceManifest('half', node.ips, 8080),
    slice,
  )
  /** Runs the command on the node. */
  const run = async (...args: readonly string[]) =>
    node.network.node.run(process.execPath, [PROXY_PROGRAM, 'explain', ...args], LIMIT)
  const explain = async (from: string, to: string): Promise<Explanation> => {
    const { status: code, body } = await status.ask(`/v1/explain?from=${from}&to=${to}`)
    if (code !== 200) throw new Error(JSON.stringify(body))
    return (body as { readonly explanation: Explanation }).explanation
  }
  const nameOf = (endpoint: string | undefined): string => 'ab'[node.ips.findIndex(ip => endpoint === `${ip}:8080`)]!
  return { status, node, refusing, run, explain, nameOf }
}

function nextOf(candidates: readonly ExplainedCandidate[]): readonly string[] {
  return candidates.filter(({ live }) => live?.nextIn.length === 1).map(({ address }) => address)
}

t.test('the running proxy explains what another mode would have for the same packet', async t => {
  const { status, node } = await createNode(t, '--proxy-mode=userspace')
  const proxy = await status.start()
  const explainIn = async (mode: string): Promise<Explanation> => {
    const { body } = await status.ask(`/v1/explain?from=pod/${node.clientIP}&to=web:80&mode=${mode}`)
    return (body as { readonly explanation: Explanation }).explanation
  }
  const [now, kernel, ipvs] = [await explainIn('userspace'), await explainIn('iptables'), await explainIn('ipvs')]
  t.match(now, { mode: 'userspace', rules: 'kernel', proxy: { pid: proxy.child.pid } })
  const kinds = (explanation: Explanation) =>
    [...explanation.steps, ...explanation.ways[0]!.steps].map(({ kind }) => kind)
  t.ok(kinds(now).includes('listener'))
  t.match(kernel, { mode: 'iptables', rules: 'plan', proxy: null })
  t.match(kernel.notes.join(), /what iptables mode would have on this node: the proxy serves in userspace mode now/)
  t.match(
    kernel.ways.map(({ endpoint, odds }) => [endpoint, odds]),
    node.ips.map(ip => [`${ip}:8080`, 0.5]),
  )
  const chains = [...kernel.steps, ...kernel.ways[0]!.steps].map(({ chain }) => chain)
  t.match(chains.join(), /KUBE-SERVICES,.*KUBE-SVC-.*,KUBE-SEP-/)
  t.match(ipvs, { mode: 'ipvs', rules: 'plan' })
  t.ok(kinds(ipvs).includes('virtual-server'))
  const outside = await status.ask(`/v1/explain?from=pod/${node.clientIP}&to=192.0.2.1:80&mode=iptables`)
  t.match((outside.body as { readonly explanation: Explanation }).explanation.ways, [{ end: 'elsewhere' }])
  t.equal(await proxy.stop(), 0)
})

t.test('the running proxy says whose turn it is, what the client keeps, what is ejected, and who listens', async t => {
  const { status, node, refusing, run, explain, nameOf } = await createNode(
    t,
    ...['--proxy-mode=userspace', '--data-plane-workers=1'],
  )
  const proxy = await status.start()
  const pod = `pod/${node.clientIP}`

  for (const to of ['web:80', 'svc/web', 'svc/default/web:80', `${node.web.clusterIP}:${node.web.port}`, 'web']) {
    const { service, proxy: answered } = await explain(pod, to)
    t.strictSame(answered, { pid: proxy.child.pid }, to)
    const [next, ...others] = nextOf(service!.candidates)
    t.strictSame(others, [], 'one has its turn')
    t.match(service!.balancing, `they take turns. Next is ${next}`)
    t.equal(await node.client.tcp(node.web.clusterIP, node.web.port), nameOf(next), to)
  }
  const first = await explain(pod, 'sticky:81')
  t.match(first.service, { kept: null, affinity: /keeps no endpoint now\. Later connections/ })
  t.equal(first.ways.length, 2)
  const kept = await node.client.tcp(STICKY.clusterIP, STICKY.port)
  t.equal(kept, nameOf(nextOf(first.service!.candidates)[0]))
  const { service, ways, steps } = await explain(pod, 'sticky:81')
  t.equal(nameOf(service!.kept!.endpoint), kept)
  t.ok(service!.kept!.endsInSeconds > 10_000 && service!.kept!.endsInSeconds <= 10_800)
  t.strictSame(
    ways.map(({ endpoint, odds }) => [endpoint, odds]),
    [[service!.kept!.endpoint, 1]],
    'no other way',
  )
  t.match(steps.map(({ sentence }) => sentence).join('\n'), /the endpoint that it keeps by session affinity/)
  t.match((await explain('node', 'sticky:81')).ways.length, 2, 'another client keeps nothing')

  // An endpoint that refuses is passed over for some seconds: the answer has to come within them.
  let isOver = false
  const traffic = (async () => {
    while (!isOver) await node.client.tcp(HALF.clusterIP, HALF.port)
  })()
  const half = await status.until(`/v1/explain?from=${pod}&to=half:82`, 'ejection', body => {
    const { explanation } = body as { readonly explanation: Explanation }
    return explanation.service!.candidates.some(({ live }) => live!.ejected.length > 0) ? explanation : undefined
  })
  isOver = true
  await traffic
  const out = half.service!.candidates.find(({ address }) => address === refusing)!
  t.match(out, { isUsed: true, odds: 0, live: { ejected: [{ worker: 0 }], nextIn: [] } })
  t.ok(out.live!.ejected[0]!.forMs + out.live!.ejected[0]!.msAgo >= 2000, JSON.stringify(out.live))
  t.strictSame(
    half.ways.map(({ endpoint, odds }) => [nameOf(endpoint!), odds]),
    [
      ['a', 0.5],
      ['b', 0.5],
    ],
  )

  const { listener } = await explain('outside', `${node.nodeIP}:${node.web.nodePort}`)
  const [worker] = listener!.processes
  t.match(worker, { worker: 0, isListening: true, open: 0 })
  const { stdout: sockets } = await node.network.node.run('ss', ['-Hltnp'])
  const [socket] = sockets.split('\n').filter(line => line.includes(`${listener!.address}:${listener!.port} `))
  t.match(socket, `pid=${worker!.pid},`, 'the kernel says the same')
  const asJson = await run(pod, 'web:80', '-o', 'json', '--status-socket', status.socket)
  const withoutCounts = (explanation: unknown): unknown =>
    JSON.parse(JSON.stringify(explanation, (name, value: unknown) => (COUNTS.has(name) ? undefined : value)))
  t.strictSame(
    withoutCounts(JSON.parse(asJson.stdout)),
    withoutCounts(await explain(pod, 'web:80')),
    'the command prints the answer of the proxy',
  )
  const unknown = await run('node', 'svc/default/wep', '--status-socket', status.socket)
  t.match(unknown, { exitCode: 1, stdout: '', stderr: /There is no Service default\/wep; did you mean default\/web\?/ })
  t.match(unknown.stderr, /There are: default\/dns, default\/half, .*\(EXPLAIN_INVALID/s)
  const { stdout } = await run(pod, 'sticky:81', '--status-socket', status.socket)
  t.match(
    stdout,
    new RegExp(`^MODE +userspace: the proxy that runs \\(process ${proxy.child.pid}\\), and the rules`, 'm'),
  )
  t.match(stdout, /^SOCKET +192\.168\.50\.1:\d+\/TCP of worker 0 \(process \d+, \d+ open\)$/m)
  t.match(stdout, /^AFFINITY +ClientIP: 10\.244\.0\.\d+ keeps 10\.244\.0\.\d+:8080 for \d+ s more, until/m)
  t.match(stdout, /^10\.244\.0\.\d+:8080 +sticky-\S+ +1 in 1 +\d+ +used: ready; this client keeps it$/m)
})

t.test('in iptables mode it says the odds, and what the rules remember', async t => {
  const { status, node, explain, nameOf } = await createNode(t, '--proxy-mode=iptables')
  const proxy = await status.start()
  const { proxy: answered, service, listener } = await explain('node', 'sticky:81')
  t.strictSame(answered, { pid: proxy.child.pid })
  t.equal(listener, null)
  t.strictSame(
    service!.candidates.map(({ odds, live }) => [odds, live]),
    [
      [0.5, null],
      [0.5, null],
    ],
  )
  const answer = await node.client.tcp(STICKY.clusterIP, STICKY.port)
  const { kept } = (await explain(`pod/${node.clientIP}`, 'sticky:81')).service!
  t.equal(nameOf(kept!.endpoint), answer, 'the client keeps what it got')
  t.ok(kept!.endsInSeconds > 10_000 && kept!.usedSecondsAgo < 100, JSON.stringify(kept))
})

t.test('without a proxy, the kernel is read, and one line says so', async t => {
  const { status, node, run } = await createNode(t, '--proxy-mode=iptables')
  const proxy = await status.start()
  t.equal(await proxy.stop(), 0)
  const { stdout, stderr } = await run('node', '10.96.0.10:80', '--status-socket', status.socket)
  t.match(stdout, /^MODE +iptables: the rules in the kernel of this node$/m)
  t.match(stdout, new RegExp(`goes to ${node.ips[0]}:8080 or\\s${node.ips[1]}:8080`))
  t.equal(
    stderr,
    `No proxy answers at the status socket "${status.socket}": this follows the rules in the kernel, which do not name Services\n`,
  )
  t.match(await run('node', 'web', '--status-socket', status.socket), {
    exitCode: 1,
    stderr: /no Service is known here/,
  })
  t.equal((await run('node', '10.96.0.10:80', '--rules', 'kernel', '--status-socket', status.socket)).stderr, '')
})

t.test('a proxy of another version is refused, with both versions', async t => {
  const { status, run } = await createNode(t, '--proxy-mode=iptables')
  const socket = join(status.socket, '..', '..', 'other.sock')
  let answer: object = {}
  const server = createServer((_request, response) => response.end(JSON.stringify(answer)))
  server.listen(socket)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const refused = async (): Promise<string> => (await run('node', 'web', '--status-socket', socket)).stderr
  answer = { apiVersion: 'v2', proxyVersion: '99.1.0', kind: 'Explanation', explanation: {} }
  t.match(
    await refused(),
    new RegExp(`is version 99.1.0 and has the status API v2; this program is version ${VERSION}`),
  )
  answer = { apiVersion: 'v1', proxyVersion: '99.1.0', kind: 'Explanation', explanation: { apiVersion: 'explain/v2' } }
  t.match(await refused(), new RegExp(`is version 99.1.0 and explains in the form "explain/v2"; .* ${VERSION}`))
  answer = { apiVersion: 'v1', proxyVersion: '99.1.0', kind: 'Explanation' }
  t.match(await refused(), /is not the status API of a kube-proxy/)
})

t.test('on a terminal of 80 or 120 columns it fits, with colour unless NO_COLOR is set, and in ASCII', async t => {
  const { status, node } = await createNode(t, '--proxy-mode=userspace', '--data-plane-workers=2')
  await status.start()
  const onTerminal = async (columns: number, env: string): Promise<string> => {
    const program = `${process.execPath} ${PROXY_PROGRAM} explain node web:80 --status-socket ${status.socket}`
    const command = `stty cols ${columns}; env -u NO_COLOR -u FORCE_COLOR -u LC_ALL TERM=xterm ${env} ${program}`
    return (await node.network.node.run('script', ['-qec', command, '/dev/null'], LIMIT)).stdout.replaceAll('\r', '')
  }
  for (const columns of [80, 120]) {
    const coloured = await onTerminal(columns, 'LC_ALL=C.UTF-8')
    t.match(coloured, /\x1b\[32m10\.244\.0\.\d+:8080/, 'an endpoint that may be picked')
    const lines = stripVTControlCharacters(coloured).split('\n')
    t.strictSame(
      lines.filter(line => line.length > columns),
      [],
    )
    t.match(lines.join(' ').replaceAll(/\s+/g, ' '), /worker 0 \(process \d+, \d open\), worker 1 \(process/)
    t.notMatch(await onTerminal(columns, 'LC_ALL=C.UTF-8 NO_COLOR=1'), /\x1b/)
    t.notMatch(stripVTControlCharacters(await onTerminal(columns, 'LC_ALL=C')), /[^\x00-\x7f]/)
  }
})
