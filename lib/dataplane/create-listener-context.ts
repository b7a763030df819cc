import { EndedConnections } from './ended-connections.js'
import { Happenings } from './happenings.js'
import { DescriptorBudget } from './limits/descriptor-budget.js'
import { DialBudget } from './limits/dial-budget.js'
import { DialBurst } from './limits/dial-burst.js'
import { MemoryBudget, memoryOfProcess, mostDescriptors } from './limits/memory-budget.js'
import { OwnClients } from './limits/own-clients.js'
import { ServiceLimits } from './limits/service-limits.js'
import { ServiceShares } from './limits/service-shares.js'
import { type ListenerContext } from './listener-context.js'
import { type NodeResources } from './node-resources.js'
import { HeldBackConnections } from './tcp/held-back-connections.js'
import { ServiceConnections } from './tcp/service-connections.js'
import { UnpolledConnections } from './tcp/unpolled-connections.js'
import { UpstreamSockets } from './transport/upstream-sockets.js'
import { FlowBudget } from './udp/flow-budget.js'
import { SendBurst } from './udp/send-burst.js'
import { ServiceFlows } from './udp/service-flows.js'

type Given = Pick<
  ListenerContext,
  'log' | 'clock' | 'random' | 'transport' | 'udpTransport' | 'timings' | 'boundSockets' | 'onConnectionEnd'
>

/**
 * Creates what all listeners of a process share: above all the budgets, by what the process and the node have.
 * @param descriptorLimit the process's limit of open files (RLIMIT_NOFILE)
 */
export function createListenerContext(given: Given, descriptorLimit: number, node: NodeResources): ListenerContext {
  const { clock } = given
  const memoryLimit = memoryOfProcess(node.memory, node.processes)
  const descriptorBudget = new DescriptorBudget(descriptorLimit, mostDescriptors(memoryLimit))
  const memory = new MemoryBudget(memoryLimit)
  const heldBackConnections = new HeldBackConnections(memory.heldBack)
  descriptorBudget.endWithoutSender = () => heldBackConnections.endWithoutSender()
  let connections = 0
  return {
    ...given,
    endedConnections: new EndedConnections(),
    happenings: new Happenings(clock),
    nextConnectionId: () => ++connections,
    descriptorBudget,
    memory,
    dialBudget: new DialBudget(descriptorBudget, node.processes),
    upstreamSockets: { tcp: new UpstreamSockets('both-ends'), udp: new UpstreamSockets('local-end') },
    ownClients: {
      tcp: new OwnClients('TCP', descriptorBudget.limit, clock),
      udp: new OwnClients('UDP', descriptorBudget.limit, clock),
    },
    unpolledConnections: new UnpolledConnections(),
    heldBackConnections,
    dialBurst: new DialBurst(),
    tcpShares: new ServiceShares(() => new ServiceConnections(heldBackConnections)),
    udpShares: new ServiceShares(() => new ServiceFlows()),
    flowBudget: new FlowBudget(1),
    sendBurst: new SendBurst(),
    serviceLimits: new ServiceLimits(),
  }
}
