import { type DataPlane } from '../dataplane/data-plane.js'
import { type Failover } from '../failover/kernel-failover.js'
import { ProxyFailure } from '../model/failure.js'
import { type Proxier } from '../modes/proxier.js'
import { MODES } from '../modes/registry.js'
import { type NodeEvents } from '../node/node-event-sink.js'
import { nodeGoneFailure } from '../node/node-failures.js'
import { type NodeManager } from '../node/node-manager.js'
import { type NodeWait } from '../node/node-wait.js'
import { MetricRegistry } from '../observe/metric-registry.js'
import { ExecMetrics } from '../observe/exec-metrics.js'
import { RequestMetrics } from '../observe/request-metrics.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { realClock } from '../system/real-clock.js'
import { type RuleMonitor } from '../system/rule-monitor.js'
import { buildObservers } from './build-observers.js'
import { type ServingParts, buildServingParts } from './build-serving-parts.js'
import { type BuildOptions, type BuildSetup } from './build-setup.js'
import { buildStatus } from './build-status.js'
import { type SyncParts, buildSyncParts } from './build-sync-parts.js'
import { chooseAtStart } from './choose-at-start.js'
import { type Cluster } from './choose-source.js'
import { type HandOver, TAKE_OVER_TIMEOUT_MS } from './hand-over.js'
import { type HandOverProof, IptablesProof } from './hand-over-proof.js'
import { HAND_OVER_ADDRESS } from './hand-over-server.js'
import { type HttpServers } from './http-servers.js'
import { LifeCycle } from './life-cycle.js'
import { type ModeSwitch } from './mode-switch.js'
import { reportProblems } from './report-problems.js'
import { type SourceHealth } from './source-health.js'
import { hasServer, standBehind } from './stand-behind.js'
import { type SyncLoop } from './sync-loop.js'
import { watchRules } from './watch-rules.js'

/** The parts of a running proxy that `KubeProxy` starts and ends. */
export interface Parts {
  readonly life: LifeCycle
  readonly cluster: Cluster
  readonly store: ObjectStore
  readonly nodeEvents: NodeEvents
  readonly nodeWait: NodeWait
  readonly proxier: Proxier
  readonly dataPlane: DataPlane | undefined
  /** Undefined if the kernel serves anyway, or must not serve when this process has ended. */
  readonly failover: Failover | undefined
  /** Undefined if the rules are read instead. */
  readonly ruleMonitor: RuleMonitor | undefined
  readonly modeSwitch: ModeSwitch
  readonly handOver: HandOver
  readonly syncLoop: SyncLoop
  readonly node: NodeManager
  readonly sourceHealth: SourceHealth
  readonly httpServers: HttpServers
  readonly servers: readonly { close(): Promise<void> }[]
  /** Aborted when the rules of every family are in the kernel. */
  readonly programmed: AbortController
  /** Aborted with a failure when this process has to end because of it. */
  readonly fatal: AbortController
}

/**
 * Makes the parts of a proxy, each one from those before it, and connects them at the end. Nothing is written to the kernel yet
 * except for probes, which leave nothing behind.
 *
 * @throws ProxyFailure if a part can never work here: no iptables, no permission, no usable kubeconfig, no mode
 */
export async function buildParts({ modes = MODES, ...options }: BuildOptions): Promise<Parts> {
  const { config, log, onFailure } = options
  const registry = new MetricRegistry()
  const clientObservers = { observer: new RequestMetrics(registry), execObserver: new ExecMetrics(registry) }
  const choices = await chooseAtStart(config, modes, log, clientObservers, onFailure)
  const life = new LifeCycle()
  const portsFree = new AbortController()
  const proof = new IptablesProof(choices.iptables[0]!, realClock)
  const isNameTaken = await hasServer(HAND_OVER_ADDRESS)
  const endWait = new AbortController()
  onFailure(() => endWait.abort())
  const fatal = new AbortController()
  const setup: BuildSetup = {
    ...options,
    registry,
    life,
    modes,
    choices,
    fatal,
    proof,
    isNameTaken,
    portsFree,
    bindAfter: isNameTaken ? untilPortsAreFree(proof, portsFree.signal, endWait.signal) : undefined,
    startedAt: Date.now(),
  }
  // Before the probes of rules: what they write shows that the monitor works.
  const ruleMonitor = watchRules(choices.mode.chains, choices.iptables, log)
  onFailure(() => ruleMonitor?.stop())
  const serving = await buildServingParts(setup)
  const observers = buildObservers({ ...setup, ...serving })
  const endOfWait = { close: () => Promise.resolve(endWait.abort()) }
  const servers: { close(): Promise<void> }[] = [
    observers.httpServers,
    observers.serviceHealth,
    observers.healthWatch,
    endOfWait,
  ]
  onFailure(() => Promise.all(servers.map(server => server.close())))
  const syncing = buildSyncParts(setup, serving, observers)
  connectParts(setup, serving, syncing)
  ruleMonitor?.subscribe(family => syncing.syncLoop.checkRules(family))
  const status = buildStatus(setup, serving, observers, syncing, Date.now)
  onFailure(() => status.close())
  servers.push(status)
  const { cluster, dataPlane } = choices
  const { sourceHealth, httpServers } = observers
  return { life, fatal, cluster, dataPlane, ruleMonitor, sourceHealth, httpServers, ...serving, ...syncing, servers }
}

/** Lets changes of the cluster's objects, and the turn of this proxy, start a sync. */
function connectParts(
  { config, life, fatal, log }: BuildSetup,
  { store, node, events, proxier }: ServingParts,
  syncing: SyncParts,
): void {
  const { nodeWait, handOver, syncLoop } = syncing
  store.subscribe({
    onProblems: problems => reportProblems(problems, log, events),
    onChange: () => {
      // Manifests may omit the Node. In a cluster, this process is useless once the Node is deleted.
      if (node.reportChanges(log) && config.manifests.length === 0) fatal.abort(nodeGoneFailure(config.nodeName))
      syncLoop.requestSync()
    },
  })
  nodeWait.subscribe(syncLoop.requestSync)
  handOver.subscribe({
    onStaleRules: async () => {
      try {
        await proxier.start()
      } catch (error) {
        log.error('Cannot read the rules again; the first write does', error)
        for (const { family } of proxier.rules) syncLoop.checkRules(family)
      }
    },
    onTurn: () => {
      life.handle('our turn')
      syncLoop.requestSync()
    },
    onLate: () => {
      // A third proxy may have taken over meanwhile.
      if (life.state === 'entering') fatal.abort(takeOverFailure())
    },
    onLateHandOver: () => syncLoop.verifyRules(),
  })
}

/**
 * Resolves when the ports of health checks and metrics can be free: this proxy has its turn, or no other one has the ports any more.
 * @param stop ends the wait
 */
async function untilPortsAreFree(proof: HandOverProof, portsFree: AbortSignal, stop: AbortSignal): Promise<void> {
  const options = { address: HAND_OVER_ADDRESS, proof, clock: realClock, stop: AbortSignal.any([portsFree, stop]) }
  const ignore = (): void => undefined
  // A process that can never write rules ends before it needs a port.
  await standBehind({ ...options, demand: 'wait', onServing: ignore, onFailure: ignore }).catch(ignore)
}

function takeOverFailure(): ProxyFailure {
  const seconds = TAKE_OVER_TIMEOUT_MS / 1000
  return new ProxyFailure(
    'TAKE_OVER_FAILED',
    `The rules of this proxy were not in the kernel within ${seconds} s, and another kube-proxy can serve this node`,
    {
      hint: 'The log says which rules it cannot write. The other kube-proxy serves instead',
    },
  )
}
