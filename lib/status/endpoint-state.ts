import { type InspectedEndpoint, type InspectedProcess, portNameOf } from '../dataplane/inspect-request.js'
import { type ServicePort } from '../model/service-port.js'

/** What sockets of the proxy know of one endpoint of a service port. */
export interface EndpointState {
  /** Connections and flows to it, dials included. */
  readonly open: number
  /** The processes that give it no new clients for a while, because it has just failed there. */
  readonly ejected: readonly { readonly worker: number | null; readonly forMs: number }[]
}

/** The states of all endpoints, to be asked for one of them. It is undefined if no socket has the endpoint. */
export function endpointStates(
  processes: readonly InspectedProcess[],
): (
  servicePort: Pick<ServicePort, 'namespace' | 'name' | 'portName' | 'protocol'>,
  address: string,
) => EndpointState | undefined {
  const states = new Map<string, { open: number; ejected: { worker: number | null; forMs: number }[] }>()
  for (const { worker = null, rows } of processes)
    for (const { listener, address, open, ejectedForMs: forMs } of rows as readonly InspectedEndpoint[]) {
      const key = `${portNameOf(listener)} ${address}`
      const state = states.get(key) ?? { open: 0, ejected: [] }
      state.open += open
      if (forMs > 0) state.ejected.push({ worker, forMs })
      states.set(key, state)
    }
  return ({ namespace, name: service, portName, protocol }, address) =>
    states.get(`${portNameOf({ namespace, service, portName, protocol })} ${address}`)
}
