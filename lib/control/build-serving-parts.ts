import { chooseFailover } from '../failover/choose-failover.js'
import { type EventSink } from '../model/event-sink.js'
import { objectKey } from '../model/objects.js'
import { type ModeResources } from '../modes/mode.js'
import { chainOwners } from '../modes/registry.js'
import { NodeEventSink, NodeEvents } from '../node/node-event-sink.js'
import { NodeManager } from '../node/node-manager.js'
import { FlowMetrics } from '../observe/flow-metrics.js'
import { LoopbackMetrics } from '../observe/loopback-metrics.js'
import { ProxyPortMetrics } from '../observe/proxy-port-metrics.js'
import { ObjectStore } from '../snapshot/object-store.js'
import { realClock } from '../system/real-clock.js'
import { type BuildSetup } from './build-setup.js'

/** What carries the traffic of Services: the objects of the cluster, this node, and the proxier of the mode. */
export async function buildServingParts({ config, registry, modes, log, choices, onFailure }: BuildSetup) {
  const { cluster, iptables, kernel, mode, dataPlane } = choices
  const families = iptables.map(({ family }) => family)
  const store = new ObjectStore(config.nodeName)
  const node = new NodeManager(config, () => store.node)
  const events: EventSink = new NodeEventSink({
    sink: cluster.events,
    nodeName: config.nodeName,
    getServiceUid: (namespace, name) => store.services.get(objectKey({ namespace, name }))?.uid,
  })
  const nodeEvents = new NodeEvents(events, config.nodeName)
  const resources: ModeResources = {
    config,
    kernel,
    node,
    chainOwners: chainOwners(mode.name, modes),
    dataPlane,
    events,
    flowObserver: new FlowMetrics(registry, families),
    loopbackObserver: mode.carriedBy === 'sockets' ? new LoopbackMetrics(registry, families) : undefined,
    proxyPortObserver: mode.carriedBy === 'sockets' ? new ProxyPortMetrics(registry) : undefined,
    log,
    clock: realClock,
    random: Math.random,
  }
  const failover = mode.carriedBy === 'sockets' ? await chooseFailover(resources, iptables, modes) : undefined
  onFailure(() => failover?.disarm())
  const proxier = await mode.createProxier(resources)
  return { store, node, events, nodeEvents, failover, proxier }
}

/** What `buildServingParts` returns. */
export type ServingParts = Awaited<ReturnType<typeof buildServingParts>>
