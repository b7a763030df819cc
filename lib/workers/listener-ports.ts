import { type ListenerPlan, type ListenerSpec, shouldListen, isPortConflict } from '../dataplane/listener-plan.js'
import { portUnavailable } from '../dataplane/port-unavailable.js'
import { type ProxyFailure } from '../model/failure.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type BoundHandle, bindHandle, probePort } from './bound-handle.js'

/** How often another port is asked for; as with the data plane of one process. */
const MAX_PORT_ATTEMPTS = 32

/** Which port each listener has, and the socket to hand to workers where this process binds it. */
export interface ListenerPorts {
  /** Takes the whole plan: forgets what is not in it or has moved, and closes what nobody has to listen on any more. */
  releaseUnused(plan: ListenerPlan): void
  /** Opens what is missing; returns what could not be opened. To be called when workers have closed what was released. */
  open(plan: ListenerPlan): Map<ServicePortKey, ProxyFailure>
  /** Whether workers can be told of a listener: `later` when it has to be opened first, `never` when it failed or is unknown. */
  getState(spec: ListenerSpec): 'ready' | 'pending' | 'unavailable'
  getPort(key: ServicePortKey): number | undefined
  /** To be handed to a worker along with the listener. */
  getHandle(key: ServicePortKey): object | undefined
  /** A worker has opened the listener on a port; returns what is wrong with that. */
  recordOpened(spec: ListenerSpec, port: number): ProxyFailure | undefined
  /** A worker could not open it, or had to give it up. */
  remove(key: ServicePortKey): void
  /** Closes everything. */
  close(): void
}

interface BoundPort {
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
export class BoundPorts implements ListenerPorts {
  readonly #ports = new Map<ServicePortKey, BoundPort>()

  releaseUnused(plan: ListenerPlan): void {
    for (const [key, bound] of this.#ports) {
      const spec = plan.get(key)
      if (spec === undefined || spec.address !== bound.spec.address) this.remove(key)
      else if (!shouldListen(spec)) this.#close(bound)
    }
  }

  open(plan: ListenerPlan): Map<ServicePortKey, ProxyFailure> {
    const failed = new Map<ServicePortKey, ProxyFailure>()
    for (const [key, spec] of plan) {
      if (this.getState(spec) === 'ready') continue
      const port = this.#ports.get(key)?.port ?? spec.port
      try {
        this.#ports.set(key, this.#bindFreePort({ ...spec, port }))
      } catch (cause) {
        this.remove(key)
        failed.set(key, portUnavailable({ ...spec, port }, cause))
      }
    }
    return failed
  }

  getState(spec: ListenerSpec): 'ready' | 'pending' | 'unavailable' {
    const bound = this.#ports.get(spec.key)
    if (bound === undefined) return 'unavailable'
    return bound.bound !== undefined || !shouldListen(spec) ? 'ready' : 'pending'
  }

  getPort(key: ServicePortKey): number | undefined {
    return this.#ports.get(key)?.port
  }

  getHandle(key: ServicePortKey): object | undefined {
    return this.#ports.get(key)?.bound?.handle
  }

  recordOpened(): undefined {
    return undefined
  }

  remove(key: ServicePortKey): void {
    const bound = this.#ports.get(key)
    this.#ports.delete(key)
    if (bound !== undefined) this.#close(bound)
  }

  close(): void {
    for (const key of [...this.#ports.keys()]) this.remove(key)
  }

  #close(port: BoundPort): void {
    port.bound?.close()
    port.bound = undefined
  }

  /** The kernel, asked for any port, may give away that of a listener whose socket is closed for want of endpoints. */
  #bindFreePort(spec: ListenerSpec): BoundPort {
    for (let attempt = 1; ; attempt++) {
      const bound = shouldListen(spec) ? bindHandle(spec) : undefined
      const port = bound?.port ?? probePort(spec)
      if (!isTakenByOther(this.#ports, spec, port) || attempt === MAX_PORT_ATTEMPTS) return { spec, port, bound }
      bound?.close()
    }
  }
}

/** Ports that workers bind themselves, as far as they have told. */
export class WorkerBoundPorts implements ListenerPorts {
  readonly #reported = new Map<ServicePortKey, { readonly spec: ListenerSpec; readonly port: number }>()

  releaseUnused(plan: ListenerPlan): void {
    for (const [key, { spec }] of this.#reported) if (plan.get(key)?.address !== spec.address) this.remove(key)
  }

  open(): Map<ServicePortKey, ProxyFailure> {
    return new Map()
  }

  getState(): 'ready' {
    return 'ready'
  }

  getPort(key: ServicePortKey): number | undefined {
    return this.#reported.get(key)?.port
  }

  getHandle(): undefined {
    return undefined
  }

  recordOpened(spec: ListenerSpec, port: number): ProxyFailure | undefined {
    if (isTakenByOther(this.#reported, spec, port)) {
      const cause = Object.assign(new Error('it belongs to another listener of ours'), { code: 'EADDRINUSE' })
      return portUnavailable({ ...spec, port }, cause)
    }
    this.#reported.set(spec.key, { spec, port })
    return undefined
  }

  remove(key: ServicePortKey): void {
    this.#reported.delete(key)
  }

  close(): void {
    this.#reported.clear()
  }
}

/** A loop, not a list made for each question: with thousands of listeners it is asked thousands of times. */
function isTakenByOther(
  ports: ReadonlyMap<ServicePortKey, { readonly spec: ListenerSpec; readonly port: number }>,
  spec: ListenerSpec,
  port: number,
): boolean {
  for (const [key, other] of ports)
    if (other.port === port && key !== spec.key && isPortConflict(other.spec, spec)) return true
  return false
}
