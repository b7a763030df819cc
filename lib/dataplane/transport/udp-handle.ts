import { type SocketAddress } from './upstream-sockets.js'
import { type QueuedSocket, type SendQueue } from './send-queue.js'
import { systemError } from './socket-error.js'
import {
  type UdpBindOptions,
  type UdpConnector,
  type UdpPeer,
  type UdpSocket,
  type UdpSocketEvents,
} from './udp-transport.js'

/*
 * The same for UDP as raw-tcp.ts and tcp-handle.ts for TCP: the only file that uses the object that `dgram.Socket` itself is made
 * of, Node.js's binding to libuv's UDP. All assumptions about it are below, and probe-udp-transport.ts checks them before anything
 * depends on them. The reasons are in docs/decisions/0005-node-handles.md.
 */

/** Calls return 0 or a negative error number. */
interface RawUdp {
  /** @param length of the datagram, or a negative error number without a datagram */
  onmessage: (this: RawUdp, length: number, handle: RawUdp, datagram: Buffer, from: UdpPeer) => void
  bind(ip: string, port: number, flags: number): number
  bind6(ip: string, port: number, flags: number): number
  open(descriptor: number): number
  connect(ip: string, port: number): number
  connect6(ip: string, port: number): number
  getsockname(out: { address?: string; port?: number }): number
  bufferSize(bytes: number, isReceiving: boolean, out: object): number | undefined
  recvStart(): number
  /** To the peer of a connected handle. @returns more than 0: sent; 0: the request completes later; less: an error number */
  send(request: RawRequest, list: readonly Buffer[], count: 1, hasCallback: boolean): number
  send(request: RawRequest, list: readonly Buffer[], count: 1, port: number, ip: string, hasCallback: boolean): number
  send6: RawUdp['send']
  close(): void
  /** Added by this file. */
  owner?: UdpHandle
}

interface RawRequest {
  oncomplete: (this: RawRequest, status: number) => void
  /** Added by this file. */
  owner?: UdpHandle
  datagram?: Buffer
}

interface UdpBinding {
  readonly UDP: new () => RawUdp
  readonly SendWrap: new () => RawRequest
  readonly constants: { readonly UV_UDP_IPV6ONLY: number }
}

const { binding } = process as unknown as { binding(name: string): unknown }
const { UDP, SendWrap, constants } = binding('udp_wrap') as UdpBinding

/** A UdpSocket on one of Node.js's internal UDP handles. */
export class UdpHandle implements UdpSocket, QueuedSocket {
  /** Bytes that wait until the kernel takes them. */
  heldBytes = 0
  readonly #raw: RawUdp
  readonly #isV6: boolean
  readonly #events: UdpSocketEvents
  readonly #queue: SendQueue
  #isOpen = true

  private constructor(raw: RawUdp, isV6: boolean, events: UdpSocketEvents, queue: SendQueue) {
    this.#queue = queue
    this.#raw = raw
    this.#isV6 = isV6
    this.#events = events
    raw.owner = this
    raw.onmessage = UdpHandle.#onMessage
  }

  /** See UdpTransport.bind; this one throws. */
  static bind(
    { bound, address, port, bufferBytes }: UdpBindOptions,
    events: UdpSocketEvents,
    queue: SendQueue,
  ): UdpHandle {
    const isV6 = address.includes(':')
    const raw = bound !== undefined && '_handle' in bound ? bound._handle : new UDP()
    // With any other object, Node.js would end the process.
    if (!(raw instanceof UDP)) throw new TypeError('the socket that another process has bound is not a UDP socket')
    try {
      if (bound === undefined)
        throwOnError('bind', isV6 ? raw.bind6(address, port, constants.UV_UDP_IPV6ONLY) : raw.bind(address, port, 0))
      else if ('fd' in bound) throwOnError('open', raw.open(bound.fd))
      raw.bufferSize(bufferBytes, true, {})
      raw.bufferSize(bufferBytes, false, {})
      const handle = new UdpHandle(raw, isV6, events, queue)
      throwOnError('recvmsg', raw.recvStart())
      return handle
    } catch (error) {
      raw.close()
      throw error
    }
  }

  /** See UdpTransport.connect. */
  static connect(ip: string, port: number, connector: UdpConnector, queue: SendQueue): UdpHandle {
    const isV6 = ip.includes(':')
    const raw = new UDP()
    const handle = new UdpHandle(raw, isV6, connector, queue)
    // With a numeric address there is nothing to wait for. Left to itself, libuv binds a socket for IPv6 to both families, and the kernel
    // then gives it no port that a socket for IPv4 has.
    const status =
      (isV6 ? raw.bind6('::', 0, constants.UV_UDP_IPV6ONLY) || raw.connect6(ip, port) : raw.connect(ip, port)) ||
      raw.recvStart()
    if (status === 0) connector.onConnect(handle.#localAddress())
    else handle.#reportError('connect', status)
    return handle
  }

  get port(): number {
    return this.#localAddress().port
  }

  send(datagram: Buffer): void {
    if (!this.#isOpen || !this.#hasRoomFor(datagram)) return
    const request = (UdpHandle.#spareRequest ??= UdpHandle.#newRequest())
    const list = UdpHandle.#list
    list[0] = datagram
    this.#finishSend(this.#raw.send(request, list, 1, true), request, datagram)
  }

  sendTo(datagram: Buffer, { address, port }: UdpPeer): void {
    if (!this.#isOpen || !this.#hasRoomFor(datagram)) return
    const request = (UdpHandle.#spareRequest ??= UdpHandle.#newRequest())
    const list = UdpHandle.#list
    list[0] = datagram
    const raw = this.#raw
    const status = this.#isV6
      ? raw.send6(request, list, 1, port, address, true)
      : raw.send(request, list, 1, port, address, true)
    this.#finishSend(status, request, datagram)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#raw.close()
  }

  #localAddress(): SocketAddress {
    const out: { address?: string; port?: number } = {}
    throwOnError('getsockname', this.#raw.getsockname(out))
    return { ip: out.address!, port: out.port! }
  }

  /** While datagrams wait, the next one waits too, if it may. */
  #hasRoomFor(datagram: Buffer): boolean {
    return this.heldBytes === 0 || this.#queue.hasRoom(this, datagram)
  }

  #finishSend(status: number, request: RawRequest, datagram: Buffer): void {
    if (status > 0) return
    if (status < 0) return this.#reportError('send', status)
    // The kernel's buffer is full. Node.js keeps the request, but only the bare address of the bytes.
    this.#queue.add(this, datagram)
    UdpHandle.#spareRequest = undefined
    request.owner = this
    request.datagram = datagram
  }

  #reportError(call: string, status: number): void {
    process.nextTick(() => {
      if (this.#isOpen) this.#events.onError(systemError(call, status))
    })
  }

  static #onMessage(this: RawUdp, length: number, _raw: RawUdp, datagram: Buffer, from: UdpPeer): void {
    const { owner } = this
    if (length >= 0) owner!.#events.onMessage(datagram, from)
    else owner!.#reportError('recvmsg', length)
  }

  static #onSent(this: RawRequest, status: number): void {
    const { owner, datagram } = this
    owner!.#queue.remove(owner!, datagram!)
    if (status < 0) owner!.#reportError('send', status)
  }

  /** Used for all datagrams that the kernel takes at once: Node.js keeps a request only while it is pending. */
  static #spareRequest: RawRequest | undefined
  /** Used for all datagrams: Node.js reads it only during the call. */
  static readonly #list: [Buffer] = [Buffer.alloc(0)]

  static #newRequest(): RawRequest {
    const request = new SendWrap()
    request.oncomplete = UdpHandle.#onSent
    return request
  }
}

function throwOnError(call: string, status: number): void {
  if (status < 0) throw systemError(call, status)
}
