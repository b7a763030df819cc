import { existsSync, statSync } from 'node:fs'
import t from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'
import { hasDefinition, eventMistakes, schemaMistakes } from '../support/status/schema-mistakes.js'
import { StatusWatch } from '../support/status/status-watch.js'
import { StatusNode } from '../support/status/status-node.js'
import { VERSION } from '../../lib/control/version.js'

/** Every way to carry connections: in workers, in the control process, in the kernel. */
const CASES = [
  { name: 'userspace mode, two workers', flags: ['--proxy-mode=userspace', '--data-plane-workers=2'], workers: 2 },
  { name: 'userspace mode, no worker', flags: ['--proxy-mode=userspace', '--data-plane-workers=0'], workers: 0 },
  { name: 'iptables mode', flags: ['--proxy-mode=iptables'], workers: undefined },
]

interface Overview {
  readonly mode: string
  readonly state: string
  readonly isHealthy: boolean
  readonly services: number
  readonly traffic: { readonly workers: number; readonly connections: number } | null
  readonly paths: readonly string[]
}
interface Connection {
  readonly client: string
  readonly endpoint: string | null
  readonly pid: number
  readonly tries: number
  readonly openedAt: string
  readonly endedAt: string | null
  readonly bytesToClient: number | null
}
interface Endpoint {
  readonly address: string
  readonly open: number | null
  readonly ejected: readonly { readonly forMs: number }[]
}
interface Listener {
  readonly address: string
  readonly port: number
  readonly isListening: boolean
  readonly frontends: readonly string[]
  readonly processes: readonly { readonly pid: number }[]
}
interface Rule {
  readonly family: string
  readonly table: string
  readonly chain: string
  readonly rule: string
  readonly sentence: string
  readonly packets: number
}

for (const { name, flags, workers } of CASES)
  t.test(`${name}: every answer is true of the running proxy, and as its schema says`, async t => {
    const status = await StatusNode.create(t, flags)
    const { node } = status
    const proxy = await status.start()
    t.equal(statSync(status.socket).mode & 0o777, 0o600, 'only the user of the proxy may ask')
    const before = await status.ask('/v1')
    t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)

    // The rules of the other IP family come a moment later.
    const overview = await status.until('/v1', 'state "serving"', body =>
      (body as Overview).state === 'serving' ? (body as Overview) : undefined,
    )
    t.match(overview, { state: 'serving', isHealthy: true, services: 2, proxyVersion: VERSION })
    t.ok(overview.paths.includes('/v1/events'))
    for (const path of await status.paths()) {
      const { status: code, headers, body } = await status.ask(path)
      t.equal(code, 200, path)
      t.match(headers, {
        'content-type': 'application/json',
        'kube-proxy-version': VERSION,
        'kube-proxy-status-api': 'v1',
      })
      t.strictSame(schemaMistakes(body), [], path)
      t.ok(hasDefinition((body as { readonly kind: string }).kind), path)
    }
    if (workers === undefined) {
      t.equal(overview.traffic, null)
      for (const path of ['connections', 'ended-connections', 'listeners', 'affinity', 'workers'])
        t.match(
          (await status.ask(`/v1/${path}`)).body,
          { notes: [/^In iptables mode the kernel carries connections/] },
          path,
        )
      t.strictSame(await status.list('/v1/connections'), [])
    } else {
      t.match(overview.traffic, { workers })
      const { connections } = (before.body as Overview).traffic!
      await status.until('/v1', `${connections + 1} connections`, body => {
        const counted = (body as Overview).traffic!.connections
        return counted === connections + 1 ? counted : undefined
      })
    }

    t.match(await status.list('/v1/services?service=web'), [
      {
        ...{ namespace: 'default', name: 'web', clusterIP: node.web.clusterIP, port: 80, nodePort: 30080 },
        endpoints: { all: 2, cluster: 2 },
        frontends: [
          {
            kind: 'cluster IP',
            address: node.web.clusterIP,
            isServed: true,
            why: null,
            actions: { fromPods: 'cluster' },
          },
          { kind: 'node port', address: null, port: 30080, isServed: true },
        ],
      },
    ])
    const endpoints = await status.list('/v1/endpoints?namespace=default&service=web')
    t.match(
      endpoints,
      node.ips.map(ip => ({ address: `${ip}:8080`, isUsed: true, cluster: { reason: 'ready' } })),
    )

    const pids = (await status.list<{ readonly pid: number; readonly role: string }>('/v1/workers')).map(
      ({ pid }) => pid,
    )
    t.equal(pids[0], proxy.child.pid)
    t.equal(pids.length, 1 + (workers ?? 0))
    for (const pid of pids) t.ok(existsSync(`/proc/${pid}`), `process ${pid}`)

    const rules = await status.list<Rule>('/v1/rules?table=nat')
    t.ok(
      rules.some(({ rule }) => rule.includes(node.web.clusterIP)),
      'a rule of the Service',
    )
    t.ok(
      rules.some(({ chain }) => chain === 'PREROUTING'),
      'the jump to the rules',
    )
    t.ok(
      rules.some(({ packets }) => packets > 0),
      'the kernel counts',
    )
    const { stdout } = await node.network.node.run('iptables-save', ['-t', 'nat'])
    const inKernel = stdout.replaceAll('"', '').split('\n')
    const ownLines = rules.filter(({ family }) => family === 'IPv4').map(({ rule }) => rule)
    t.strictSame(
      ownLines.filter(line => !inKernel.includes(line.replaceAll('"', ''))),
      [],
      'the rules are those of the kernel',
    )
    t.ok(rules.every(({ sentence }) => sentence.endsWith('.')))

    await status.untilListed<{ readonly changed: readonly string[] }>('/v1/syncs', ({ changed }) =>
      changed.includes('default/web/TCP'),
    )
    node.write(node.ips.slice(0, 1))
    await status.until('/v1/endpoints?service=web', 'single endpoint', body =>
      (body as { readonly items: readonly unknown[] }).items.length === 1 ? true : undefined,
    )
    t.match(await status.list('/v1/endpoints?service=web'), [{ address: `${node.ips[0]}:8080` }])

    t.equal(await proxy.stop(), 0)
    t.notOk(existsSync(status.socket), 'the socket goes with the proxy')
  })

for (const { name, flags, workers } of CASES.filter(({ workers }) => workers !== undefined))
  t.test(`${name}: sockets, connections, affinity and ejections are those of real clients`, async t => {
    const status = await StatusNode.create(t, flags)
    const { node } = status
    const sticky = { clusterIP: '10.96.0.77', port: 81 }
    const objects = [
      makeServiceManifest('sticky', { ...sticky, affinity: true }),
      makeSliceManifest('sticky', node.ips, 8080),
      makeServiceManifest('half', { clusterIP: '10.96.0.78', port: 82 }),
      // Nothing listens on the second port of these Pods.
      makeSliceManifest('half', node.ips, 8080),
    ]
    node.write(node.ips, ...objects)
    const proxy = await status.start()
    await node.connect()
    const open = await status.untilListed<Connection>('/v1/connections?service=web')
    const clientIP = open[0]!.client.split(':')[0]!
    t.match(open, [{ state: 'open', end: null, endedAt: null, tries: 1, bytesToEndpoint: 5, bytesToClient: 5 }])
    const taken = node.ips.map(ip => `${ip}:8080`)
    t.ok(taken.includes(open[0]!.endpoint!), 'one of the endpoints')
    const endpoints = await status.list<Endpoint>('/v1/endpoints?service=web')
    t.strictSame(
      endpoints.map(({ address, open: count, ejected }) => [address, count, ejected]),
      taken.map(address => [address, Number(address === open[0]!.endpoint), []]),
      'the endpoint counts the connection',
    )
    const pids = (await status.list<{ readonly pid: number }>('/v1/workers')).map(({ pid }) => pid)
    t.ok(pids.includes(open[0]!.pid))

    await node.client.tcp(node.web.clusterIP, node.web.port)
    const [ended] = await status.untilListed<Connection>('/v1/ended-connections?service=web')
    t.match(ended, { state: 'ended', end: 'closed', service: 'web', protocol: 'TCP', tries: 1 })
    t.ok(ended!.bytesToClient! > 0, 'with its bytes')
    t.ok(Date.parse(ended!.openedAt) <= Date.parse(ended!.endedAt!), 'with its times')

    await node.client.tcp(sticky.clusterIP, sticky.port)
    const [kept] = await status.untilListed<{ readonly client: string; readonly endpoint: string }>('/v1/affinity')
    t.match(kept, { service: 'sticky', client: clientIP })
    const [byAffinity] = await status.untilListed<Connection>('/v1/ended-connections?service=sticky')
    t.equal(byAffinity!.endpoint, kept!.endpoint, 'the client keeps the endpoint of its connection')

    await node.client.udp(node.dns.clusterIP, node.dns.port)
    t.match(await status.untilListed('/v1/connections?service=dns'), [
      { protocol: 'UDP', state: 'open', bytesToClient: null },
    ])

    const listeners = await status.list<Listener>('/v1/listeners?service=web')
    t.ok(
      listeners.some(({ frontends }) => frontends.includes('cluster IP 10.96.0.10:80/TCP')),
      'where packets arrive',
    )
    const { stdout } = await node.network.node.run('ss', ['-Hltn'])
    for (const { address, port, isListening, processes } of listeners) {
      t.ok(isListening)
      t.match(stdout, `${address}:${port} `, 'the kernel has the socket')
      for (const { pid } of processes) t.ok(pids.includes(pid))
    }

    // Both endpoints, and one that refuses.
    const refusing = `${node.ips[0]}:9`
    const mixed = { ...makeSliceManifest('half', node.ips.slice(0, 1), 9), metadata: halfMetadata('half-2') }
    node.write(node.ips, ...objects, mixed)
    let isOver = false
    const traffic = (async () => {
      while (!isOver) await node.client.tcp('10.96.0.78', 82)
    })()
    const ejected = await status.untilListed<Endpoint>(
      '/v1/endpoints?service=half',
      ({ ejected }) => ejected.length > 0,
    )
    isOver = true
    await traffic
    t.match(ejected, [{ address: refusing, isUsed: true, ejected: [{ worker: workers === 0 ? null : Number }] }])
    const retried = await status.untilListed<Connection>('/v1/ended-connections?service=half', ({ tries }) => tries > 1)
    t.match(retried[0], { tries: 2, end: 'closed' }, 'the client got the next endpoint')

    for (const path of await status.paths()) t.strictSame(schemaMistakes((await status.ask(path)).body), [], path)
    // The Service that comes first by name is not the one whose sockets the proxy has opened first.
    const [cut] = await status.list<Endpoint & { readonly service: string }>('/v1/endpoints?limit=1')
    t.match(cut, { service: 'dns', open: Number }, 'also of a cut answer')
    t.strictSame(
      pids,
      (await status.list<{ readonly pid: number }>('/v1/workers')).map(({ pid }) => pid),
      'no restart',
    )
    t.equal((await status.list('/v1/connections?limit=1')).length, 1)
    t.match((await status.ask('/v1/connections?limit=1')).body, { notes: [/^These are the latest 1 rows/] })
    proxy.child.kill('SIGKILL')
  })

t.test('an answer and an event say that a worker does not reply', async t => {
  const status = await StatusNode.create(t, ['--proxy-mode=userspace', '--data-plane-workers=2'])
  await status.start()
  const watch = await StatusWatch.open(t, status.socket)
  const workers = await status.list<{ readonly pid: number; readonly worker: number | null }>('/v1/workers')
  const stopped = workers.find(({ worker }) => worker === 1)!
  process.kill(stopped.pid, 'SIGSTOP')
  const paths = ['listeners', 'connections', 'endpoints'].map(path => `/v1/${path}`)
  const [problem, ...answers] = await Promise.all([
    watch.next('problem', () => true),
    ...paths.map(path => status.ask(path)),
  ])
  t.strictSame(eventMistakes(problem, 'ProblemEvent'), [])
  t.match(problem, { message: /^Worker 1 has not replied/ })
  for (const { body } of answers) t.match(body, { notes: [/^Worker 1 has not replied/] })
  // The proxy replaces it.
  for (let notes: readonly string[] = ['']; notes.length > 0;)
    notes = ((await status.ask('/v1/listeners')).body as { readonly notes: readonly string[] }).notes
})

t.test('a listener without endpoints says that its socket is closed', async t => {
  const status = await StatusNode.create(t, ['--proxy-mode=userspace', '--data-plane-workers=2'])
  status.node.write(status.node.ips, makeServiceManifest('empty', { clusterIP: '10.96.0.79', port: 83 }))
  await status.start()
  const [listener] = await status.list<Listener>('/v1/listeners?service=empty')
  t.match(listener, { isListening: false, why: /^closed, because no endpoint/ })
  t.notMatch((await status.node.network.node.run('ss', ['-Hltn'])).stdout, `:${listener!.port} `)
})

/** Metadata of another slice of the Service `half`. */
function halfMetadata(name: string): object {
  return { namespace: 'default', name, labels: { 'kubernetes.io/service-name': 'half' } }
}

t.test('a client that watches gets syncs, and what happens to clients and endpoints', async t => {
  const status = await StatusNode.create(t, ['--proxy-mode=userspace', '--data-plane-workers=2'])
  const { node } = status
  await status.start()
  const watch = await StatusWatch.open(t, status.socket)
  const watching = await watch.next('watching', () => true)
  t.match(watching, { proxyVersion: VERSION, mode: 'userspace', carriedBy: 'sockets' })
  t.strictSame(eventMistakes(watching, 'WatchingEvent'), [])
  node.write(node.ips.slice(0, 1))
  const sync = await watch.next('sync', ({ changed }) => (changed as string[]).includes('default/web/TCP'))
  t.strictSame(eventMistakes(sync, 'Sync'), [])

  const half = [
    makeServiceManifest('half', { clusterIP: '10.96.0.78', port: 82 }),
    makeSliceManifest('half', node.ips, 8080),
  ]
  const refusing = { ...makeSliceManifest('half', node.ips.slice(0, 1), 9), metadata: halfMetadata('half-2') }
  node.write(node.ips, ...half, refusing)
  let isOver = false
  const traffic = (async () => {
    while (!isOver) await node.client.tcp('10.96.0.78', 82)
  })()
  const seen: Record<string, unknown>[] = []
  /** What has happened to the first connection that was retried and opened: the events of two polls may have it. */
  const retriedAndOpened = (): readonly Record<string, unknown>[] | undefined =>
    seen
      .filter(({ what }) => what === 'retried')
      .map(retried => seen.filter(({ pid, id }) => pid === retried['pid'] && id === retried['id']))
      .find(all => all.some(({ what }) => what === 'opened'))
  while (!seen.some(({ what }) => what === 'ejected') || retriedAndOpened() === undefined) {
    const event = await watch.next('happenings', () => true)
    t.strictSame(eventMistakes(event, 'HappeningsEvent'), [])
    seen.push(...(event['items'] as Record<string, unknown>[]))
  }
  isOver = true
  await traffic
  t.match(
    seen.find(({ what }) => what === 'ejected'),
    { service: 'half', endpoint: `${node.ips[0]}:9`, client: null, forMs: 2000 },
  )
  t.match(retriedAndOpened()!.slice(0, 2), [
    { what: 'retried', endpoint: `${node.ips[0]}:9`, tries: 1 },
    { what: 'opened', tries: 2 },
  ])
  t.match(await status.ask('/v1/events?x=1'), { status: 400, body: { kind: 'Error' } })
})

t.test('a wrong question gets an answer that lists what exists', async t => {
  const status = await StatusNode.create(t, ['--proxy-mode=userspace'])
  await status.start()
  const wrong: readonly (readonly [path: string, code: number, message: RegExp, exists: readonly string[]])[] = [
    ['/v1/servics', 404, /No resource "servics"; did you mean "services"\?/, ['endpoints']],
    ['/v2/services', 404, /No API version "v2" here: this proxy has v1/, ['/v1']],
    ['/v1/services?service=wep', 404, /No Service "wep"; did you mean "web"\?/, ['dns', 'web']],
    ['/v1/endpoints?namespace=defaul&service=web', 404, /namespace "defaul"; did you mean "default"\?/, ['default']],
    ['/v1/services?namespce=x', 400, /Unknown parameter "namespce"; did you mean namespace\?/, ['namespace']],
    ['/v1/services?limit=0', 400, /limit="0": expected a number from 1/, []],
    ['/v1/rules?table=nad', 404, /table with rules of this proxy "nad"; did you mean "nat"\?/, ['nat']],
    ['/v1/rules?chain=KUBE-NONE', 404, /No chain with rules of this proxy "KUBE-NONE"/, ['PREROUTING']],
    ['/v1/explain', 400, /A sender \(from\) and a destination \(to\) are needed/, ['from', 'to', 'namespace', 'mode']],
    [
      '/v1/explain?from=node&to=web&mode=iptable',
      404,
      /No mode "iptable"; did you mean "iptables"\?/,
      ['userspace', 'iptables', 'ipvs'],
    ],
    ['/v1/explain?from=node&tow=web', 400, /Unknown parameter "tow"; did you mean to\?/, ['to']],
    ['/v1/explain?from=outsid&to=web', 400, /"outsid": not a sender; did you mean outside\? Use pod\/IP/, []],
    ['/v1/explain?from=node&to=web:80:80', 400, /"web:80:80": not a destination\. Use NAME:PORT/, []],
    ['/v1/explain?from=node&to=wep', 404, /no Service default\/wep; did you mean default\/web\?/, ['default/web']],
    ['/v1/explain?from=node&to=web&namespace=shop', 404, /did you mean default\/web\?/, ['default/dns']],
    ['/v1/explain?from=node&to=web:81', 404, /Service default\/web has no port "81"/, ['80/TCP']],
    ['/v1/explain?from=fd00::9&to=10.96.0.10:80', 400, /Name a sender with an IPv4 address/, []],
    [`/v1/explain?from=node&to=${'x'.repeat(1000)}`, 400, /The question is longer than 1000 characters/, []],
  ]
  for (const [path, code, message, exists] of wrong) {
    const { status: got, body } = await status.ask(path)
    t.equal(got, code, path)
    t.strictSame(schemaMistakes(body), [], path)
    t.match(body, { kind: 'Error', message, proxyVersion: VERSION }, path)
    for (const name of exists) t.ok((body as { exists: string[] }).exists.includes(name), `${path}: ${name}`)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const { status: code, headers, body } = await status.ask('/v1/services', method)
    t.match([code, headers['allow'], body], [405, 'GET, HEAD', { kind: 'Error' }], method)
  }
  t.match(await status.ask('/v1/services', 'HEAD'), { status: 200, body: '' })
})

t.test(
  'a socket that a killed proxy left is replaced; one that another process serves, or another file, is left alone',
  async t => {
    const status = await StatusNode.create(t, ['--proxy-mode=iptables'])
    const killed = await status.start()
    await status.node.kill(killed)
    t.ok(existsSync(status.socket), 'a killed proxy leaves its socket')
    const next = await status.start()
    t.match(await status.ask('/v1'), { status: 200 })

    const other = await StatusNode.create(t, ['--proxy-mode=iptables'])
    const same = other.node.launch(['--status-socket', status.socket])
    await same.waitForLine(/No status socket: kube-proxy status cannot ask this proxy/)
    await same.waitForLine(other.node.synced)
    t.match(await status.ask('/v1'), { body: { pid: next.child.pid } }, 'the first one answers still')
    t.equal(same.lines.filter(line => line.includes('No status socket')).length, 1, 'one warning')
    t.equal(await same.stop(), 0)
    t.ok(existsSync(status.socket))

    const onFile = other.node.launch(['--status-socket', PROXY_PROGRAM])
    await onFile.waitForLine(/No status socket/)
    t.ok(statSync(PROXY_PROGRAM).isFile(), 'a file that is no socket is left alone')
    const none = await other.node.start(['--status-socket='])
    t.notOk(existsSync(other.socket))
    t.notOk(none.lines.some(line => line.includes('status')))
  },
)

t.test('a proxy that takes over has the socket', async t => {
  const status = await StatusNode.create(t, ['--proxy-mode=userspace'])
  const first = await status.start()
  const second = status.node.launch()
  await second.waitForLine(/Serving the status API/)
  t.match(await status.ask('/v1'), { status: 200, body: { pid: second.child.pid } })
  t.equal(await first.stop(), 0)
  t.match(await status.ask('/v1'), { body: { pid: second.child.pid } }, 'the end of the first one does not remove it')
})
