/**
 * The library: what `import … from 'kube-proxy-node'` gives. docs/library.md says what each exported value does and has examples; a
 * test runs all of them from the packed package. Everything else in this package may change in any version.
 * @module
 */

// A whole proxy.
export { createKubeProxy } from './control/create-kube-proxy.js'
export type { CreateKubeProxyOptions, CreatedKubeProxy } from './control/create-kube-proxy.js'
export { readConfig } from './config/read-config.js'
export type { ReadConfigResult } from './config/read-config.js'
export type { ConfigNote } from './config/settings.js'
export type { FlagValues } from './config/flag-settings.js'
export type { KubeProxyConfig } from './config/kube-proxy-config.js'

// What Services and EndpointSlices mean for one node: pure functions.
export { ObjectStore } from './snapshot/object-store.js'
export type { ObjectChanges, StoreSubscriber } from './snapshot/object-store.js'
export type { ObjectProblems } from './snapshot/problem-reporter.js'
export { buildSnapshot } from './snapshot/build-snapshot.js'
export type { Objects, SnapshotScope } from './snapshot/build-snapshot.js'
export { explainEndpoints } from './snapshot/explain-endpoints.js'
export type { EndpointsExplanation, ExplainedEndpoint, TrafficState } from './snapshot/explain-endpoints.js'
export type { EndpointVerdict } from './snapshot/endpoint-verdict.js'
export type { EndpointReason } from './model/endpoint-reason.js'
export { EMPTY_SNAPSHOT } from './model/snapshot.js'
export type { ServedPort, ServiceSnapshot, UsableEndpoints } from './model/snapshot.js'
export { servicePortKey } from './model/service-port.js'
export type { ServicePort, ServicePortKey } from './model/service-port.js'
export type { Endpoint } from './model/endpoint.js'
export type { ObjectKind } from './model/objects.js'

// Sockets that accept clients and connect them to endpoints.
export { createDataPlane } from './control/create-data-plane.js'
export type { CreateDataPlaneOptions } from './control/create-data-plane.js'
export type { InProcessDataPlane } from './dataplane/in-process.js'
export type {
  DataPlane,
  DataPlaneCounts,
  DrainReport,
  ListenerCounts,
  ListenerReport,
  TrafficCounts,
} from './dataplane/data-plane.js'
export type { ListenerPlan, ListenerSpec } from './dataplane/listener-plan.js'

// Which endpoint a client gets: pure state.
export { balancerByName } from './balancer/balancer-by-name.js'
export { ClientIpAffinity } from './balancer/client-ip-affinity.js'
export { EndpointCache } from './balancer/balanced-endpoint.js'
export { LeastConnections } from './balancer/least-connections.js'
export { RandomTwoChoices } from './balancer/random-two-choices.js'
export { RoundRobin } from './balancer/round-robin.js'
export type { AvoidedEndpoints, Balancer, Target } from './balancer/balancer.js'
export type { BalancedEndpoint } from './balancer/balanced-endpoint.js'
export type { BalancerName } from './model/service-port.js'

// What a mode is, and the modes there are.
export { MODES } from './modes/registry.js'
export type { Mode, ModeResources, SyncPeriods } from './modes/mode.js'
export type { NodeView } from './modes/node-view.js'
export type { NodeWaitPolicy } from './model/node-wait-policy.js'
export type { KernelRules, ProgramReport, Proxier } from './modes/proxier.js'

// What all parts share.
export { ProxyFailure } from './model/failure.js'
export type { FailureCode, FailureOptions } from './model/failure.js'
export { createKlog } from './observe/klog.js'
export type { KlogOptions } from './observe/klog.js'
export type { Log, LogFields } from './model/log.js'
export { realClock } from './system/real-clock.js'
export type { Clock, TimerOptions } from './model/clock.js'
