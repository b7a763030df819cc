import { portUnavailable } from '../dataplane/data-plane.js'
import { isPortOwned, shouldKeepPort } from '../dataplane/should-keep-port.js'
import { type ListenerPlan, type ListenerSpec, shouldListen } from '../dataplane/listener-plan.js'
import { mostListeners, noDescriptorForListener, usableDescriptors } from '../dataplane/limits/usable-descriptors.js'
import { type ProxyFailure } from '../model/failure.js'
import { type ServicePortKey } from '../model/service-port.js'
import { type BoundHandle, bindHandle, probePort } from './bound-handle.js'

/** The port of each listener, and its socket for the workers if this process binds it. */
export interface ListenerPorts {
  /** Takes the whole plan: forgets listeners that are gone or have moved, and closes sockets of listeners without endpoints. */
  releaseUnused(plan: ListenerPlan): void
  /** Opens missing sockets; returns the failures. Call it after workers have closed the released sockets. */
  open(plan: ListenerPlan): Map<ServicePortKey, ProxyFailure>
  /** Whether workers can take a listener: `pending` if it must be opened first, `unavailable` if it failed or is unknown. */
  getState(spec: ListenerSpec): 'ready' | 'pending' | 'unavailable'
  getPort(key: ServicePortKey): number | undefined
  /** The socket to pass to a worker with the listener. */
  getHandle(key: ServicePortKey): object | undefined
  /** A worker has opened the listener on a port; returns a failure if the port is in conflict. */
  recordOpened(spec: ListenerSpec, port: number): ProxyFailure | undefined
  /** A worker could not open the listener, or had to close it. */
  remove(key: ServicePortKey): void
  /** Leaves this many descriptors of this process to its other parts, besides the fixed reserve. */
  reserveDescriptors(descriptors: number): void
  /** Closes everything. */
  close(): void
}

interface BoundPort {
  readonly spec: ListenerSpec
  readonly port: number
  /** Undefined: no process listens, because the Service port has no endpoint. */
  bound: BoundHandle | undefined
}

/**
 * Ports that this process binds. It keeps a copy of each socket: after a worker has exited, connections and datagrams wait in
 * the kernel for the next worker.
 *
 * A port without endpoints has no socket here either, so that the kernel refuses its clients; see `OnDemandListener`.
 *
 * There are no more sockets than leave this process what it needs itself. Without descriptors it could not start iptables, and so
 * not even remove a Service.
 */
export class BoundPorts implements ListenerPorts {
  readonly #ports = new Map<ServicePortKey, BoundPort>()
  readonly #descriptorLimit: number
  #reserved = 0

  /** @param descriptorLimit the most open files of this process */
  constructor(descriptorLimit: number) {
    this.#descriptorLimit = descriptorLimit
  }

  releaseUnused(plan: ListenerPlan): void {
    for (const [key, bound] of this.#ports) {
      const spec = plan.get(key)
      if (spec === undefined || spec.address !== bound.spec.address) this.remove(key)
      else if (!shouldListen(spec)) this.#close(bound)
    }
  }

  open(plan: ListenerPlan): Map<ServicePortKey, ProxyFailure> {
    const failed = new Map<ServicePortKey, ProxyFailure>()
    const most = mostListeners(usableDescriptors(this.#descriptorLimit, this.#reserved))
    let count = [...this.#ports.values()].filter(({ bound }) => bound !== undefined).length
    for (const [key, spec] of plan) {
      if (this.getState(spec) === 'ready') continue
      const port = this.#ports.get(key)?.port ?? spec.port
      try {
        // One that does not listen holds no descriptor.
        if (shouldListen(spec) && count >= most) throw noDescriptorForListener(most)
        this.#ports.set(key, this.#bindFreePort({ ...spec, port }))
        if (shouldListen(spec)) count++
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

  reserveDescriptors(descriptors: number): void {
    this.#reserved = descriptors
  }

  close(): void {
    for (const key of [...this.#ports.keys()]) this.remove(key)
  }

  #close(port: BoundPort): void {
    port.bound?.close()
    port.bound = undefined
  }

  /** Binds a port that no other listener owns; see `isPortOwned`. */
  #bindFreePort(spec: ListenerSpec): BoundPort {
    for (let attempt = 1; ; attempt++) {
      const bound = shouldListen(spec) ? bindHandle(spec) : undefined
      const port = bound?.port ?? probePort(spec)
      if (shouldKeepPort(this.#ports, spec, port, attempt)) return { spec, port, bound }
      bound?.close()
    }
  }
}

/** Ports that workers bind themselves and have reported. */
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
    if (isPortOwned(this.#reported, spec, port)) {
      const cause = Object.assign(new Error('another listener of this proxy has this port'), { code: 'EADDRINUSE' })
      return portUnavailable({ ...spec, port }, cause)
    }
    this.#reported.set(spec.key, { spec, port })
    return undefined
  }

  remove(key: ServicePortKey): void {
    this.#reported.delete(key)
  }

  /** Does nothing: only workers have sockets. */
  reserveDescriptors(): void {}

  close(): void {
    this.#reported.clear()
  }
}
