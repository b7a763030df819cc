import { type InspectedListener, type InspectedProcess } from '../dataplane/inspect-request.js'
import { type Frontend } from '../frontends/frontend.js'
import { type Protocol } from '../model/protocol.js'
import { type ServicePortKey } from '../model/service-port.js'

/** One listening socket of the proxy, in one process or shared by several. */
export interface ListenerView {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: Protocol
  readonly address: string
  readonly port: number
  /** The addresses of the Service whose packets arrive here, such as `cluster IP 10.96.0.10:80/TCP`. */
  readonly frontends: readonly string[]
  /** Why the socket is there, in words. */
  readonly why: string
  readonly processes: readonly { readonly pid: number; readonly worker: number | null; readonly open: number }[]
}

/** @param frontendsByListener see `Proxier` */
export function listenerViews(
  processes: readonly InspectedProcess[],
  frontendsByListener: ReadonlyMap<ServicePortKey, readonly Frontend[]>,
): ListenerView[] {
  const rows = processes.flatMap(process =>
    (process.rows as readonly InspectedListener[]).map(row => ({ process, row })),
  )
  const byKey = new Map<string, typeof rows>()
  for (const each of rows) byKey.set(each.row.listener.key, [...(byKey.get(each.row.listener.key) ?? []), each])
  return [...byKey].map(([key, held]) => {
    const { listener, address, port, holdsNodePort } = held[0]!.row
    const { namespace, service, portName, protocol } = listener
    const frontends = (frontendsByListener.get(key) ?? []).map(({ name }) => name)
    return {
      ...{ namespace, service, portName, protocol, address, port, frontends },
      why: whyItListens(frontends.length, holdsNodePort),
      processes: held.map(({ process: { pid, worker = null }, row: { active: open } }) => ({ pid, worker, open })),
    }
  })
}

function whyItListens(frontends: number, holdsNodePort: boolean): string {
  if (holdsNodePort) return 'holds the node port, so that no other program takes it, and serves it on loopback'
  return frontends === 0 ? 'no rule leads here now' : 'rules lead the packets of these addresses here'
}
