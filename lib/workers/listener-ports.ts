import { type ListenerPlan, type ListenerSpec, hasToListen, isSameDoor } from '../dataplane/listener-plan.js'
import { portUnavailable } from '../dataplane/port-unavailable.js'
import { type ProxyFailure } from '../model/failure.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type BoundHandle, bindHandle, probePort } from './bound-handle.js'

/** How often another port is asked for; as with the data plane of one process. */
const PORT_ATTEMPTS = 32

/** Which port each listener has, and the socket to hand to workers where this process binds it. */
export interface ListenerPorts {
  /** Takes the whole plan: forgets what is not in it or has moved, and closes what nobody has to listen on any more. */
  release(plan: ListenerPlan): void
  /** Opens what is missing; returns what could not be opened. To be called when workers have closed what was released. */
  open(plan: ListenerPlan): Map<ServicePortKey, ProxyFailure>
  /** Whether workers can be told of a listener: `later` when it has to be opened first, `never` when it failed or is unknown. */
  canTell(spec: ListenerSpec): 'now' | 'later' | 'never'
  port(key: ServicePortKey): number | undefined
  /** To be handed to a worker along with the listener. */
  handle(key: ServicePortKey): object | undefined
  /** A worker has opened the listener on a port; returns what is wrong with that. */
  opened(spec: ListenerSpec, port: number): ProxyFailure | undefined
  /** A worker could not open it, or had to give it up. */
  forget(key: ServicePortKey): void
  /** Closes everything. */
  close(): void
}

interface KeptPort {
  readonly spec: ListenerSpec
  readonly port: number
  /** Undefined: nobody listens, since there is no endpoint. */
  bound: BoundHandle | undefined
}

/**
 * Ports that this process binds and keeps a copy of: while no worker listens, because it has just died, connections and
 * datagrams wait in the kernel for the next one.
 *
 * A port without endpoints has no socket here either, so that the kernel refuses its clients; see `HeldPort`.
 */
export class KeptPorts implements ListenerPorts {
  readonly #kept = new Map<ServicePortKey, KeptPort>()

  release(plan: ListenerPlan): void {
    for (const [key, kept] of this.#kept) {
      const spec = plan.get(key)
      if (spec === undefined || spec.address !== kept.spec.address) this.forget(key)
      else if (!hasToListen(spec)) this.#close(kept)
    }
  }

  open(plan: ListenerPlan): Map<ServicePortKey, ProxyFailure> {
    const failed = new Map<ServicePortKey, ProxyFailure>()
    for (const [key, spec] of plan) {
      if (this.canTell(spec) === 'now') continue
      const port = this.#kept.get(key)?.port ?? spec.port
      try {
        this.#kept.set(key, this.#bindFree({ ...spec, port }))
      } catch (cause) {
        this.forget(key)
        failed.set(key, portUnavailable({ ...spec, port }, cause))
      }
    }
    return failed
  }

  canTell(spec: ListenerSpec): 'now' | 'later' | 'never' {
    const kept = this.#kept.get(spec.key)
    if (kept === undefined) return 'never'
    return kept.bound !== undefined || !hasToListen(spec) ? 'now' : 'later'
  }

  port(key: ServicePortKey): number | undefined {
    return this.#kept.get(key)?.port
  }

  handle(key: ServicePortKey): object | undefined {
    return this.#kept.get(key)?.bound?.handle
  }

  opened(): undefined {
    return undefined
  }

  forget(key: ServicePortKey): void {
    const kept = this.#kept.get(key)
    this.#kept.delete(key)
    if (kept !== undefined) this.#close(kept)
  }

  close(): void {
    for (const key of [...this.#kept.keys()]) this.forget(key)
  }

  #close(kept: KeptPort): void {
    kept.bound?.close()
    kept.bound = undefined
  }

  /** The kernel, asked for any port, may give away that of a listener whose socket is closed for want of endpoints. */
  #bindFree(spec: ListenerSpec): KeptPort {
    for (let attempt = 1; ; attempt++) {
      const bound = hasToListen(spec) ? bindHandle(spec) : undefined
      const port = bound?.port ?? probePort(spec)
      if (!isAnothers(this.#kept, spec, port) || attempt === PORT_ATTEMPTS) return { spec, port, bound }
      bound?.close()
    }
  }
}

/** Ports that workers bind themselves, as far as they have told. */
export class ReportedPorts implements ListenerPorts {
  readonly #reported = new Map<ServicePortKey, { readonly spec: ListenerSpec; readonly port: number }>()

  release(plan: ListenerPlan): void {
    for (const [key, { spec }] of this.#reported) if (plan.get(key)?.address !== spec.address) this.forget(key)
  }

  open(): Map<ServicePortKey, ProxyFailure> {
    return new Map()
  }

  canTell(): 'now' {
    return 'now'
  }

  port(key: ServicePortKey): number | undefined {
    return this.#reported.get(key)?.port
  }

  handle(): undefined {
    return undefined
  }

  opened(spec: ListenerSpec, port: number): ProxyFailure | undefined {
    if (isAnothers(this.#reported, spec, port)) {
      const cause = Object.assign(new Error('it belongs to another listener of ours'), { code: 'EADDRINUSE' })
      return portUnavailable({ ...spec, port }, cause)
    }
    this.#reported.set(spec.key, { spec, port })
    return undefined
  }

  forget(key: ServicePortKey): void {
    this.#reported.delete(key)
  }

  close(): void {
    this.#reported.clear()
  }
}

/** A loop, not a list made for each question: with thousands of listeners it is asked thousands of times. */
function isAnothers(
  ports: ReadonlyMap<ServicePortKey, { readonly spec: ListenerSpec; readonly port: number }>,
  spec: ListenerSpec,
  port: number,
): boolean {
  for (const [key, other] of ports)
    if (other.port === port && key !== spec.key && isSameDoor(other.spec, spec)) return true
  return false
}
