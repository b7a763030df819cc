import { DescriptorBudget } from '../../../lib/dataplane/limits/descriptor-budget.js'
import { DgramTransport } from '../../../lib/dataplane/transport/dgram-transport.js'
import { DialBudget } from '../../../lib/dataplane/limits/dial-budget.js'
import { DialBurst } from '../../../lib/dataplane/limits/dial-burst.js'
import { FlowLru } from '../../../lib/dataplane/udp/flow-lru.js'
import { HalfClosedLimit } from '../../../lib/dataplane/limits/half-closed-limit.js'
import { DEFAULT_TIMINGS } from '../../../lib/dataplane/data-plane-timings.js'
import { type ListenerContext } from '../../../lib/dataplane/listener-context.js'
import { UpstreamSockets } from '../../../lib/dataplane/transport/upstream-sockets.js'
import { SendBurst } from '../../../lib/dataplane/udp/send-burst.js'
import { ServiceLimits } from '../../../lib/dataplane/limits/service-limits.js'
import { type TcpTransport } from '../../../lib/dataplane/transport/tcp-transport.js'
import { realClock } from '../../../lib/system/real-clock.js'
import { silentLog } from './plane-under-test.js'

/** Makes what listeners share, for tests of a listener without a data plane. */
export function makeListenerContext(transport: TcpTransport, changes: Partial<ListenerContext> = {}): ListenerContext {
  const descriptors = new DescriptorBudget(1000)
  return {
    log: silentLog,
    clock: realClock,
    random: () => 0,
    descriptorBudget: descriptors,
    dialBudget: new DialBudget(descriptors),
    transport,
    udpTransport: new DgramTransport(),
    upstreamSockets: { tcp: new UpstreamSockets(), udp: new UpstreamSockets() },
    halfClosedLimit: new HalfClosedLimit(1000),
    dialBurst: new DialBurst(),
    sendBurst: new SendBurst(),
    flowLru: new FlowLru(1),
    serviceLimits: new ServiceLimits(),
    boundSockets: undefined,
    timings: DEFAULT_TIMINGS,
    onConnectionEnd: () => undefined,
    ...changes,
  }
}
