import t from 'tap'
import { readConfig } from '../../lib/config/read-config.js'
import { explainPacket } from '../../lib/explain/explain-packet.js'
import { type ExplainedState } from '../../lib/explain/explained-state.js'
import { type Explanation } from '../../lib/explain/explanation.js'
import { parseDestination } from '../../lib/explain/destination-text.js'
import { parseSender } from '../../lib/explain/sender-text.js'
import { type RawObject } from '../../lib/explain/load-objects.js'
import { offlineState } from '../../lib/explain/offline-state.js'
import { MODES, modeByName } from '../../lib/modes/registry.js'
import { type PersistedClient } from '../../lib/system/persisted-client.js'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'

const SERVER = { protocol: 'TCP', address: '10.96.0.11', port: 80 } as const
const CLIENT = '10.244.0.2'
const PODS = ['10.244.0.5', '10.244.0.6']

/** What is said of a packet to a Service with affinity in ipvs mode, while the kernel keeps clients. */
function explain(persisted: readonly PersistedClient[], to = '10.96.0.11:80', change = keepState): Explanation {
  const { config } = readConfig({ 'cluster-cidr': '10.244.0.0/16' }, 'node-1', MODES)
  const raws = [
    makeServiceManifest('sticky', { clusterIP: SERVER.address, port: SERVER.port, affinity: true }),
    makeSliceManifest('sticky', PODS, 8080),
    makeServiceManifest('free', { clusterIP: '10.96.0.12', port: 80 }),
    makeSliceManifest('free', PODS, 8080),
  ]
  const objects = raws.map(raw => ({ kind: (raw as RawObject).kind, raw }))
  const state = offlineState({
    ...{ objects, config, mode: modeByName('ipvs'), isNodeNamed: true },
    ...{ nodeAddresses: [], podRanges: [] },
  })
  const request = { from: parseSender(`pod/${CLIENT}`)!, to: parseDestination(to)!, namespace: 'default', version: '1' }
  return explainPacket(request, change({ ...state, persisted }))
}

const keepState = (state: ExplainedState): ExplainedState => state
const keptAt = (address: string, more: Partial<PersistedClient> = {}): PersistedClient => ({
  ...{ client: CLIENT, server: SERVER, real: { address, port: 8080 }, leftSeconds: 10_000 },
  ...more,
})
const endsOf = ({ ways }: Explanation) => ways.map(({ endpoint, odds }) => `${endpoint} ${odds}`).sort()
const BOTH = ['10.244.0.5:8080 0.5', '10.244.0.6:8080 0.5']

t.test('in ipvs mode a client goes to the Pod that the kernel keeps for it', t => {
  const kept = explain([keptAt(PODS[1]!)])
  t.strictSame(endsOf(kept), ['10.244.0.6:8080 1'])
  t.match(kept.service, {
    kept: { endpoint: '10.244.0.6:8080', endsInSeconds: 10_000, usedSecondsAgo: 800 },
    affinity: /10\.244\.0\.2 keeps 10\.244\.0\.6:8080 for 10000 s more/,
    balancing: 'None: session affinity decides',
  })
  t.match(
    kept.steps.concat(kept.ways.flatMap(({ steps }) => steps)).find(({ kind }) => kind === 'virtual-server')!.sentence,
    /with persistence: 10\.244\.0\.2 keeps 10\.244\.0\.6:8080 for 10000 s more\.$/,
  )
  t.end()
})

t.test('what the kernel keeps for others, or at other addresses, changes nothing', t => {
  t.strictSame(endsOf(explain([])), BOTH)
  t.strictSame(endsOf(explain([keptAt(PODS[1]!, { client: '10.244.0.3' })])), BOTH)
  t.strictSame(endsOf(explain([keptAt(PODS[1]!, { server: { ...SERVER, port: 81 } })])), BOTH)
  t.strictSame(endsOf(explain([keptAt(PODS[1]!, { server: { ...SERVER, protocol: 'UDP' } })])), BOTH)
  t.strictSame(
    endsOf(explain([keptAt(PODS[1]!, { server: { ...SERVER, address: '10.96.0.12' } })], '10.96.0.12:80')),
    BOTH,
  )
  t.end()
})

t.test('a client is picked for again if its Pod gets no new connections', t => {
  const withWeights = (state: ExplainedState): ExplainedState => ({
    ...state,
    virtualServers: state.virtualServers.map(server => ({
      ...server,
      realServers: server.realServers.map(real => ({ ...real, weight: real.address === PODS[1] ? 0 : 1 })),
    })),
  })
  const { service, ...rest } = explain([keptAt(PODS[1]!)], '10.96.0.11:80', withWeights)
  t.strictSame(endsOf({ ...rest, service }), ['10.244.0.5:8080 1'])
  t.equal(service!.kept, null)
  t.strictSame(endsOf(explain([keptAt('10.244.0.9')])), BOTH, 'its Pod is gone')
  t.end()
})
