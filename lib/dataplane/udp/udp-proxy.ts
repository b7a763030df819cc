import { hostPort } from '../../model/address.js'
import { type TrafficCounts } from '../data-plane.js'
import { type InspectStep, type InspectedConnection } from '../inspect-request.js'
import { type Listener } from '../listener.js'
import { ListenerClients } from '../listener-clients.js'
import { type ListenerContext } from '../listener-context.js'
import { type ListenerSpec } from '../listener-plan.js'
import { OnDemandListener } from '../on-demand-listener.js'
import { type UdpPeer, type UdpSocket } from '../transport/udp-transport.js'
import { ClientFlows } from './client-flows.js'
import { ReturningDatagrams } from './returning-datagrams.js'
import { type ServiceFlows } from './service-flows.js'
import { UdpFlow, type UdpFlowOwner } from './udp-flow.js'

/** Each way. The default of 208 KiB is full after three large datagrams, or when one client does not answer ARP. */
const BUFFER_BYTES = 4 * 1024 * 1024
/** A drain waits for a flow whose client has been waiting for a reply for less than this, in milliseconds. */
const DRAIN_GRACE_MS = 1000

/**
 * One UDP port: finds or opens the flow of each datagram's sender. Replies leave through the listening socket, so they come from
 * the address that the rules redirect to.
 */
export class UdpProxy implements Listener {
  readonly #context: ListenerContext
  readonly clients: ListenerClients
  readonly #flows = new ClientFlows()
  readonly #returning = new ReturningDatagrams()
  readonly #onDemandListener: OnDemandListener
  /** Of all listeners of the Service. */
  readonly #serviceFlows: ServiceFlows
  /** Of every flow of this listener. */
  readonly #flowOwner: UdpFlowOwner
  #socket: UdpSocket | undefined
  #port = 0
  #isDraining = false

  constructor(spec: ListenerSpec, context: ListenerContext) {
    this.#context = context
    this.clients = new ListenerClients(spec, context)
    this.#serviceFlows = context.udpShares.of(this.clients.service)
    this.#onDemandListener = new OnDemandListener(
      context.descriptorBudget,
      port => this.#openSocket(port),
      () => this.#closeSocket(),
    )
    this.#flowOwner = {
      serviceFlows: this.#serviceFlows,
      onReply: bytes => (this.clients.traffic.bytesToClient += bytes),
      sendReply: (datagram, client) => this.#socket?.sendTo(datagram, client),
      onEndpointFailed: (flow, { message: why }, next) =>
        this.clients.happenings.note(next === undefined ? 'refused' : 'retried', flow, { why, next: next?.key ?? '' }),
      onEnd: flow => this.#handleEnd(flow),
    }
  }

  get service(): string {
    return this.clients.service
  }

  get active(): number {
    return this.#flows.size
  }

  get isListening(): boolean {
    return this.#onDemandListener.isListening
  }

  open(): Promise<number> {
    return this.#onDemandListener.open(this.clients.spec, this.#context.boundSockets !== undefined)
  }

  update(spec: ListenerSpec): Promise<void> | undefined {
    const hasNewEndpoints = spec.endpoints !== this.clients.spec.endpoints
    this.clients.update(spec)
    if (hasNewEndpoints) {
      const usable = new Set(spec.endpoints.map(({ ip, port }) => hostPort(ip, port)))
      for (const flow of this.#flows.values()) if (!usable.has(flow.endpointKey)) flow.end()
    }
    return this.#onDemandListener.update(spec)
  }

  /** Takes no new clients. Replies leave through the listening socket, so it stays open until no client waits for one. */
  close(): void {
    this.#isDraining = true
    this.clients.close()
    if (this.countBusy() === 0) this.abortConnections()
  }

  abortConnections(): number {
    const waiting = this.countBusy()
    this.#isDraining = true
    this.#onDemandListener.close()
    return waiting
  }

  countBusy(): number {
    const since = this.#context.clock.now() - DRAIN_GRACE_MS
    let count = 0
    for (const flow of this.#flows.values()) if (flow.isWaiting && flow.lastUsed > since) count++
    return count
  }

  counts(): TrafficCounts {
    return this.clients.counts(this.#flows.size)
  }

  *inspectConnections(): Generator<InspectStep<InspectedConnection>> {
    const now = this.#context.clock.now()
    for (const { id, client, endpointKey, openedAt, tries } of this.#flows.values())
      // While the caller does other work, others come.
      yield openedAt > now
        ? undefined
        : {
            listener: this.clients.identity,
            ...{ id, client: client.address, clientPort: client.port, endpoint: endpointKey, state: 'open' },
            openedMsAgo: now - openedAt,
            tries,
          }
  }

  clientAddresses(): Generator<string> {
    return this.#flows.clientAddresses()
  }

  async #openSocket(port: number): Promise<number> {
    const { udpTransport, log, boundSockets } = this.#context
    const { key, address } = this.clients.spec
    this.#socket = await udpTransport.bind(
      { bound: boundSockets?.take(key), address, port, bufferBytes: BUFFER_BYTES },
      {
        onMessage: (datagram, from) => this.#handleDatagram(datagram, from),
        // A problem with one datagram, such as a client that has vanished, must not end the listener.
        onError: error => log.info(2, 'UDP listener error', { ...this.clients.logFields, error: error.message }),
      },
    )
    this.#port = this.#socket.port
    return this.#port
  }

  #closeSocket(): void {
    for (const flow of this.#flows.values()) flow.end()
    this.#socket?.close()
    this.#socket = undefined
  }

  #handleDatagram(datagram: Buffer, from: UdpPeer): void {
    const { traffic } = this.clients
    // RFC 768: source port 0 means that the sender expects no reply, and nothing can be sent there. No client of a Service does so.
    if (from.port === 0) return void traffic.refused++
    const existing = this.#flows.get(from)
    if (existing?.isAnswered !== true && this.#goesRound(from.address, datagram))
      return this.clients.dropReturning(from.address)
    const flow = existing ?? this.#openFlow(from)
    if (flow === undefined) return void traffic.refused++
    traffic.bytesToEndpoint += datagram.length
    flow.send(datagram)
  }

  #goesRound(client: string, datagram: Buffer): boolean {
    return this.clients.isEndpoint(client) && this.#returning.add(client, datagram, this.#context.clock.now())
  }

  #openFlow(from: UdpPeer): UdpFlow | undefined {
    const { flowBudget, clock } = this.#context
    const { address, port } = from
    if (this.#isDraining) return this.#refuse(from, 'the listener closes')
    const lease = this.clients.admit(address, { ip: address, port }, this.#port)
    if (lease === undefined) return undefined
    if (!flowBudget.makeRoom(this.#serviceFlows) || !this.#acquireDescriptor(address)) {
      lease.release()
      return this.#refuse(from, 'no place for another flow is free')
    }
    const flow = new UdpFlow(from, lease, this.#context, this.#flowOwner)
    flowBudget.add(this.#serviceFlows, flow, clock.now())
    this.#flows.add(flow)
    if (!flow.start()) return undefined
    this.clients.traffic.connections++
    this.clients.happenings.note('opened', flow)
    return flow
  }

  #refuse({ address, port }: UdpPeer, why: string): undefined {
    this.clients.happenings.noteRefusal(address, port, why)
    return undefined
  }

  #acquireDescriptor(client: string): boolean {
    const { descriptorBudget, clock } = this.#context
    const { descriptors } = this.#serviceFlows
    if (descriptorBudget.tryAcquire(descriptors)) return true
    if (descriptorBudget.acquireFromOthers(descriptors, client, clock.now())) return true
    descriptorBudget.countShed()
    return false
  }

  #handleEnd(flow: UdpFlow): void {
    const { clock, endedConnections } = this.#context
    const { client, endpointKey } = flow
    const { identity } = this.clients
    const end = endpointKey === '' ? 'refused' : 'flow-ended'
    endedConnections.add(identity, flow, client.address, endpointKey, end, clock.now(), NaN, NaN)
    if (end === 'refused') this.clients.happenings.note('refused', flow, { why: 'no endpoint' })
    else this.clients.happenings.note('ended', flow, { end })
    this.#flows.delete(flow)
    flow.lease.release()
    this.#context.onConnectionEnd()
  }
}
