import t from 'tap'
import { frontendsOf } from '../../lib/frontends/frontend.js'
import { FrontendTable } from '../../lib/frontends/frontend-table.js'
import { type ServedPort } from '../../lib/model/snapshot.js'
import { parseRuleTables } from '../../lib/netfilter/rule-tables.js'
import { ownedRules, ruleView } from '../../lib/status/rule-view.js'
import { serviceViewer } from '../../lib/status/service-view.js'
import { viewHappenings } from '../../lib/status/happening-view.js'
import { workerViews } from '../../lib/status/worker-view.js'
import { makeServicePort } from '../support/model/make-service-port.js'

function served(name: string, options: Parameters<typeof makeServicePort>[0]): ServedPort {
  return {
    servicePort: makeServicePort({ name, ...options }),
    endpoints: [],
    usable: { cluster: [], local: [], hasAny: true },
  }
}

t.test('a Service shows each address, and which Service has one that it cannot have', t => {
  const first = served('first', { clusterIP: '10.96.0.1', externalIPs: ['192.0.2.1'], port: 80, createdAt: 1 })
  const second = served('second', { clusterIP: '10.96.0.2', externalIPs: ['192.0.2.1'], port: 80, createdAt: 2 })
  const local = served('local', { clusterIP: '10.96.0.3', nodePort: 30080, externalPolicyLocal: true })
  const ports = [first, second, local]
  const table = new FrontendTable(() => {
    throw new Error('not asked')
  })
  const { frontends, conflicts } = table.resolve({
    generation: 1,
    ports: new Map(ports.map(port => [port.servicePort.key, port])),
  })
  const views = ports.map(serviceViewer({ frontendsOf, served: frontends, conflicts }))
  t.match(
    views.map(view => view.frontends),
    [
      [
        { kind: 'cluster IP', address: '10.96.0.1', isServed: true, why: null },
        { kind: 'external IP', address: '192.0.2.1', isServed: true },
      ],
      [
        { kind: 'cluster IP', isServed: true },
        { kind: 'external IP', isServed: false, why: /first.* has this address: /, actions: null },
      ],
      [
        { kind: 'cluster IP', actions: { fromExternal: 'cluster' } },
        { kind: 'node port', address: null, port: 30080, actions: { fromNode: 'cluster', fromExternal: 'drop' } },
      ],
    ],
  )
  t.match(views[2], { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Cluster', affinitySeconds: null })
  t.equal(table.resolved?.frontends, frontends, 'the table keeps its last result')
  t.end()
})

t.test('rules of the proxy are those of its chains and those that lead there', t => {
  const rules = parseRuleTables(
    [
      ...['*nat', ':PREROUTING ACCEPT [0:0]', ':KUBE-X - [0:0]', ':OTHER - [0:0]'],
      '[3:180] -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-X',
      '[9:9] -A PREROUTING -j OTHER',
      '[2:120] -A KUBE-X -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j RETURN',
      '[1:1] -A OTHER -j ACCEPT',
      'COMMIT',
    ].join('\n'),
  )
  const owned = ownedRules(rules, (_table, chain) => chain.startsWith('KUBE-'))
  const views = [...owned].map(rule => ruleView('IPv4', rules, rule))
  t.match(views, [
    { table: 'nat', chain: 'PREROUTING', position: 1, packets: 3, bytes: 180, rule: /^-A PREROUTING .* -j KUBE-X$/ },
    { chain: 'KUBE-X', position: 1, packets: 2, sentence: /^TCP packets to 10\.96\.0\.1.*\.$/ },
  ])
  t.equal(views.length, 2)
  t.end()
})

t.test('the process that holds the sockets depends on the workers', t => {
  const process = { worker: 0, pid: 5 }
  t.strictSame(workerViews(1, undefined), [{ pid: 1, role: 'control', worker: null, holdsSockets: false }])
  t.match(workerViews(1, {}), [{ pid: 1, holdsSockets: true }])
  t.match(workerViews(1, { workers: { running: 1, restarts: 0, processes: [process] } }), [
    { pid: 1, role: 'control', holdsSockets: false },
    { pid: 5, role: 'worker', worker: 0, holdsSockets: true },
  ])
  t.end()
})

t.test('what has happened in several processes is in the order of time, and of one process in its own order', t => {
  const listener = { key: 'k', namespace: 'default', service: 'web', portName: '', protocol: 'TCP' } as const
  const row = (what: 'opened' | 'retried' | 'ended', id: number, msAgo: number) => ({
    ...{ listener, what, id, msAgo, sequence: 1, client: 'fd00::9', clientPort: 5, endpoint: '', next: '', why: '' },
    tries: 1,
  })
  const processes = [
    { worker: 0, pid: 10, rows: [row('retried', 1, 900), row('opened', 1, 400), row('ended', 1, 400)] },
    { worker: 1, pid: 11, rows: [row('opened', 1, 950.5), row('ended', 1, 399)] },
  ]
  const seen = viewHappenings(processes, Date.parse('2026-01-01T00:00:10Z'))
  t.strictSame(
    seen.map(({ view: { pid, what, at } }) => [pid, what, at.slice(17, 23)]),
    [
      [11, 'opened', '09.049'],
      [10, 'retried', '09.100'],
      [10, 'opened', '09.600'],
      [10, 'ended', '09.600'],
      [11, 'ended', '09.601'],
    ],
  )
  t.match(seen[0], { view: { client: '[fd00::9]:5', endpoint: null, nextEndpoint: null, why: null, openedAt: null } })
  t.end()
})
