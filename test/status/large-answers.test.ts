import t from 'tap'
import { type ServedPort } from '../../lib/model/snapshot.js'
import { parseRuleTables } from '../../lib/netfilter/rule-tables.js'
import { type EndpointsExplanation } from '../../lib/snapshot/explain-endpoints.js'
import { answerEndpoints } from '../../lib/status/answer-endpoints.js'
import { answerServices } from '../../lib/status/answer-services.js'
import { answerRules } from '../../lib/status/answer-rules.js'
import { answerText } from '../../lib/status/answer-text.js'
import { connectionRoutes } from '../../lib/status/connection-routes.js'
import { type ServiceView } from '../../lib/status/service-view.js'
import { type StatusDocument } from '../../lib/status/status-document.js'
import { type StatusSources } from '../../lib/status/status-sources.js'
import { makeServicePort } from '../support/model/make-service-port.js'

const SERVICES = 1000
const ENDPOINTS = 100

/** Sources of a large cluster, which count what they are asked for. */
class LargeCluster {
  explained = 0
  inspected: number[] = []
  readonly sources: StatusSources

  constructor(services = SERVICES) {
    const ports = Array.from({ length: services }, (_, index): ServedPort => {
      const clusterIP = `10.96.${index >> 8}.${index & 255}`
      const servicePort = makeServicePort({ name: `s${index}`, namespace: `n${index % 3}`, clusterIP })
      return { servicePort, endpoints: [], usable: { cluster: [], local: [], hasAny: false } }
    })
    const snapshot = { generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) }
    const verdict = { isUsed: true, reason: 'ready', text: 'used: ready' } as const
    const explanation = {
      endpoints: Array.from({ length: ENDPOINTS }, (_, index) => ({
        address: `10.244.0.${index}:80`,
        slice: 'slice',
        cluster: verdict,
        local: verdict,
      })),
    } as unknown as EndpointsExplanation
    this.sources = {
      proxy: { proxyVersion: '1.2.3', mode: 'userspace', carriedBy: 'sockets' },
      snapshot: () => snapshot,
      served: () => undefined,
      wallTime: () => 0,
      explainEndpoints: () => {
        this.explained++
        return explanation
      },
      inspect: ({ ports }: { readonly ports?: ReadonlySet<string> }) => {
        this.inspected.push(ports?.size ?? Infinity)
        return Promise.resolve({ processes: [], missing: [] })
      },
    } as unknown as StatusSources
  }
}

/** The result of some work, and how many turns other work got meanwhile. */
async function withTurns<Result>(work: () => Promise<Result>): Promise<{ result: Result; turns: number }> {
  let turns = 0
  let handle = setImmediate(function count() {
    turns++
    handle = setImmediate(count)
  })
  const result = await work()
  clearImmediate(handle)
  return { result, turns }
}

t.test('the limit of endpoints counts endpoints, and no more are explained than needed', async t => {
  const cluster = new LargeCluster()
  const { items, notes } = await answerEndpoints(cluster.sources, new URLSearchParams('limit=250'))
  t.equal(items.length, 250)
  t.match(notes, [/^These are the first 250 endpoints, and there are more/])
  t.equal(cluster.explained, 3)
  t.strictSame(cluster.inspected, [3], 'the sockets of these service ports are asked for')
  const exact = await answerEndpoints(cluster.sources, new URLSearchParams('service=s1&namespace=n1&limit=100'))
  t.match(exact, { items: { length: 100 }, notes: [] })
})

t.test('other work passes while endpoints and Services are listed', async t => {
  const { sources } = new LargeCluster()
  const endpoints = await withTurns(() => answerEndpoints(sources, new URLSearchParams('limit=10000')))
  t.equal(endpoints.result.items.length, 10_000)
  t.ok(endpoints.turns >= 20, `${endpoints.turns} turns`)
  const services = await withTurns(() => answerText(answerServices(sources, new URLSearchParams())))
  t.ok(services.turns >= 4, `${services.turns} turns`)
  const { items } = JSON.parse(Buffer.concat(services.result).toString()) as StatusDocument<ServiceView>
  t.equal(items.length, SERVICES)
  const names = items.map(({ namespace, name }) => `${namespace} ${name}`)
  t.strictSame(names, [...names].sort(), 'in the order of names')
})

t.test('a namespace without Services, and a proxy without any, have an empty list and a note', async t => {
  const { sources } = new LargeCluster()
  const none = answerServices(sources, new URLSearchParams('namespace=n9'))
  t.match(none, {
    notes: { length: 1, 0: 'No Service in namespace "n9"' },
  })
  t.match(await connectionRoutes(sources).get('connections')!(new URLSearchParams('namespace=n9')), {
    items: { length: 0 },
    notes: { length: 1, 0: 'No Service in namespace "n9"' },
  })
  t.strictSame([...none.items], [])
  const empty = answerServices(new LargeCluster(0).sources, new URLSearchParams('namespace=default'))
  t.strictSame([...empty.items], [])
  t.match(empty, {
    notes: { length: 1, 0: /^The proxy serves no Service: there is none, or it has not read the objects yet$/ },
  })
  t.throws(() => answerServices(sources, new URLSearchParams('namespace=n1&service=none')), {
    message: /^No Service "none" in namespace "n1"/,
  })
  t.throws(() => answerServices(sources, new URLSearchParams('namespace=n9&service=s1')), {
    message: /^No Service in namespace "n9"/,
  })
})

t.test('the view of a Service is made when its part of the answer is', async t => {
  const { sources } = new LargeCluster()
  let [made, before, most] = [0, 0, 0]
  for (const port of sources.snapshot().ports.values())
    Object.defineProperty(port, 'usable', {
      get() {
        made++
        return { cluster: [], local: [], hasAny: false }
      },
    })
  let handle = setImmediate(function look() {
    most = Math.max(most, made - before)
    before = made
    handle = setImmediate(look)
  })
  await answerText(answerServices(sources, new URLSearchParams()))
  clearImmediate(handle)
  t.ok(made >= SERVICES, `${made} times looked at`)
  t.ok(most < made / 2, `${most} of them in one turn`)
})

t.test('only the rules of an answer get sentences', async t => {
  const lines = ['*nat', ':KUBE-X - [0:0]', ':KUBE-Y - [0:0]']
  for (let index = 0; index < 1000; index++) lines.push(`-A KUBE-X -d 10.96.${index >> 8}.${index & 255}/32 -j RETURN`)
  lines.push('-A KUBE-Y -j RETURN', 'COMMIT')
  const rules = parseRuleTables(lines.join('\n'))
  let counted = 0
  const counter = rules.counter.bind(rules)
  rules.counter = args => {
    counted++
    return counter(args)
  }
  const ask = (chain: string | undefined, limit: number) =>
    withTurns(() => answerRules([['IPv4', rules]], { table: undefined, chain, limit }, () => true))
  const { result, turns } = await ask(undefined, 10)
  t.strictSame([result.items.length, result.hasMore, counted], [10, true, 10])
  t.ok(turns >= 4, `${turns} turns`)
  t.match((await ask('KUBE-Y', 10)).result, { items: [{ chain: 'KUBE-Y', position: 1 }], hasMore: false })
  t.equal(counted, 11)
  t.match((await ask('KUBE-X', 1000)).result, { items: { length: 1000 }, hasMore: false })
  await t.rejects(
    answerRules([['IPv4', rules]], { table: 'nad', chain: undefined, limit: 1 }, () => true),
    {
      message: /"nad"; did you mean "nat"\?/,
    },
  )
})
