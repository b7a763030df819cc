import { type BalancedEndpoint } from '../../balancer/balanced-endpoint.js'
import { type ListenerContext } from '../listener-context.js'
import { ownSocketError } from '../transport/socket-error.js'
import { type TcpConnector, type TcpSocket } from '../transport/tcp-transport.js'
import { type UpstreamSocketKey } from '../transport/upstream-sockets.js'

/** Learns the result of an attempt. */
export interface DialAttemptOwner {
  handleConnect(attempt: DialAttempt, socket: TcpSocket): void
  handleFailure(attempt: DialAttempt, error: Error, isTimeout: boolean): void
}

/** One connection that is opening. */
export class DialAttempt implements TcpConnector {
  readonly target: BalancedEndpoint
  /** Set while the socket is in the list of upstream sockets. */
  upstreamKey: UpstreamSocketKey | undefined
  readonly #dial: DialAttemptOwner
  readonly #context: ListenerContext
  readonly #socket: TcpSocket
  readonly #timer: NodeJS.Timeout
  #ownSocketError: Error | undefined

  constructor(dial: DialAttemptOwner, context: ListenerContext, target: BalancedEndpoint, timeoutMs: number) {
    this.#dial = dial
    this.#context = context
    this.target = target
    this.#socket = context.transport.connect(target, context.timings.keepAliveIdle, this)
    // Not by way of the clock: that would cost each connection two closures.
    this.#timer = setTimeout(onAttemptTimeout, timeoutMs, this, timeoutMs)
  }

  cancel(): void {
    clearTimeout(this.#timer)
    this.#socket.close()
  }

  onConnecting(socket: TcpSocket): void {
    const local = socket.localAddress()
    if (local === undefined) return
    this.upstreamKey = this.#context.upstreamSockets.tcp.add(local, this.target)
    this.#ownSocketError = ownSocketError(local, this.target)
  }

  onConnect(socket: TcpSocket): void {
    clearTimeout(this.#timer)
    if (this.#ownSocketError === undefined) return this.#dial.handleConnect(this, socket)
    socket.reset()
    this.#dial.handleFailure(this, this.#ownSocketError, false)
  }

  onError(_socket: TcpSocket, error: Error): void {
    clearTimeout(this.#timer)
    this.#dial.handleFailure(this, error, false)
  }

  onClose(): void {
    if (this.upstreamKey !== undefined) this.#context.upstreamSockets.tcp.delete(this.upstreamKey)
    this.upstreamKey = undefined
  }

  handleTimeout(timeoutMs: number): void {
    this.#socket.close()
    this.#dial.handleFailure(this, new Error(`no answer within ${timeoutMs} ms`), true)
  }
}

function onAttemptTimeout(attempt: DialAttempt, timeoutMs: number): void {
  attempt.handleTimeout(timeoutMs)
}
