import { DescriptorBudget } from '../../lib/dataplane/descriptor-budget.js'
import { DgramTransport } from '../../lib/dataplane/dgram-transport.js'
import { DialBudget } from '../../lib/dataplane/dial-budget.js'
import { DialBurst } from '../../lib/dataplane/dial-burst.js'
import { FlowOrder } from '../../lib/dataplane/flow-order.js'
import { HalfClosedLimit } from '../../lib/dataplane/half-closed-limit.js'
import { DEFAULT_TIMINGS } from '../../lib/dataplane/in-process.js'
import { type ListenerContext } from '../../lib/dataplane/listener.js'
import { OwnSockets } from '../../lib/dataplane/own-sockets.js'
import { SendBurst } from '../../lib/dataplane/send-burst.js'
import { ServiceLimits } from '../../lib/dataplane/service-limits.js'
import { type TcpTransport } from '../../lib/dataplane/tcp-transport.js'
import { realClock } from '../../lib/system/real-clock.js'
import { silentLog } from './plane-under-test.js'

/** What listeners share, for a test that has one without a data plane. */
export function listenerContext(transport: TcpTransport, changes: Partial<ListenerContext> = {}): ListenerContext {
  const descriptors = new DescriptorBudget(1000)
  return {
    log: silentLog,
    clock: realClock,
    random: () => 0,
    descriptors,
    dials: new DialBudget(descriptors),
    transport,
    udpTransport: new DgramTransport(),
    ownSockets: { tcp: new OwnSockets(), udp: new OwnSockets() },
    halfClosed: new HalfClosedLimit(1000),
    dialBurst: new DialBurst(),
    sendBurst: new SendBurst(),
    flowOrder: new FlowOrder(1),
    limits: new ServiceLimits(),
    boundSockets: undefined,
    timings: DEFAULT_TIMINGS,
    onIdle: () => undefined,
    ...changes,
  }
}
