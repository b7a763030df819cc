import { DescriptorBudget } from '../../../lib/dataplane/limits/descriptor-budget.js'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { DialBudget } from '../../../lib/dataplane/limits/dial-budget.js'
import { DialBurst } from '../../../lib/dataplane/limits/dial-burst.js'
import { EndedConnections } from '../../../lib/dataplane/ended-connections.js'
import { Happenings } from '../../../lib/dataplane/happenings.js'
import { FlowBudget } from '../../../lib/dataplane/udp/flow-budget.js'
import { MemoryBudget } from '../../../lib/dataplane/limits/memory-budget.js'
import { OwnClients } from '../../../lib/dataplane/limits/own-clients.js'
import { DEFAULT_TIMINGS } from '../../../lib/dataplane/data-plane-timings.js'
import { type ListenerContext } from '../../../lib/dataplane/listener-context.js'
import { UpstreamSockets } from '../../../lib/dataplane/transport/upstream-sockets.js'
import { SendBurst } from '../../../lib/dataplane/udp/send-burst.js'
import { ServiceShares } from '../../../lib/dataplane/limits/service-shares.js'
import { HeldBackConnections } from '../../../lib/dataplane/tcp/held-back-connections.js'
import { ServiceConnections } from '../../../lib/dataplane/tcp/service-connections.js'
import { ServiceFlows } from '../../../lib/dataplane/udp/service-flows.js'
import { ServiceLimits } from '../../../lib/dataplane/limits/service-limits.js'
import { UnpolledConnections } from '../../../lib/dataplane/tcp/unpolled-connections.js'
import { type TcpTransport } from '../../../lib/dataplane/transport/tcp-transport.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { silentLog } from './plane-under-test.js'

/** Makes what listeners share, for tests of a listener without a data plane. */
export function makeListenerContext(transport: TcpTransport, changes: Partial<ListenerContext> = {}): ListenerContext {
  const descriptors = new DescriptorBudget(1000)
  const memory = new MemoryBudget(2 ** 30)
  const heldBackConnections = new HeldBackConnections(memory.heldBack)
  return {
    log: silentLog,
    clock: realClock,
    random: () => 0,
    descriptorBudget: descriptors,
    dialBudget: new DialBudget(descriptors),
    transport,
    udpTransport: new DgramTransport(),
    upstreamSockets: { tcp: new UpstreamSockets('both-ends'), udp: new UpstreamSockets('local-end') },
    ownClients: { tcp: new OwnClients('TCP', 1024, realClock), udp: new OwnClients('UDP', 1024, realClock) },
    memory,
    unpolledConnections: new UnpolledConnections(),
    heldBackConnections,
    dialBurst: new DialBurst(),
    sendBurst: new SendBurst(),
    flowBudget: new FlowBudget(1),
    tcpShares: new ServiceShares(() => new ServiceConnections(heldBackConnections)),
    udpShares: new ServiceShares(() => new ServiceFlows()),
    serviceLimits: new ServiceLimits(),
    boundSockets: undefined,
    timings: DEFAULT_TIMINGS,
    endedConnections: new EndedConnections(),
    happenings: new Happenings(realClock),
    nextConnectionId: () => 1,
    onConnectionEnd: () => undefined,
    ...changes,
  }
}
