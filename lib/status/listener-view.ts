import { type InspectedListener, type InspectedProcess } from '../dataplane/inspect-request.js'
import { type Frontend } from '../frontends/frontend.js'
import { type Protocol } from '../model/protocol.js'
import { type ServicePortKey } from '../model/service-port.js'

/** One socket of the proxy that takes clients, in one process or shared by several. */
export interface ListenerView {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: Protocol
  readonly address: string
  /** 0: it has not opened yet. */
  readonly port: number
  /** Without endpoints the socket is closed, and the kernel refuses clients. */
  readonly isListening: boolean
  /** The addresses of the Service whose packets arrive here, such as `cluster IP 10.96.0.10:80/TCP`. */
  readonly frontends: readonly string[]
  /** Why the socket is there, or closed, in words. */
  readonly why: string
  readonly processes: readonly { readonly pid: number; readonly worker: number | null; readonly open: number }[]
}

/**
 * The listeners of all processes, in the order of their Services.
 * @param frontendsByListener see `Proxier`
 */
export function listenerViews(
  processes: readonly InspectedProcess[],
  frontendsByListener: ReadonlyMap<ServicePortKey, readonly Frontend[]>,
): ListenerView[] {
  const rows = processes.flatMap(process =>
    (process.rows as readonly InspectedListener[]).map(row => ({ process, row })),
  )
  const byKey = new Map<string, typeof rows>()
  for (const each of rows) byKey.set(each.row.listener.key, [...(byKey.get(each.row.listener.key) ?? []), each])
  return [...byKey].sort(byService).map(([key, held]) => {
    const { listener, address, port, holdsNodePort } = held[0]!.row
    const { namespace, service, portName, protocol } = listener
    const frontends = (frontendsByListener.get(key) ?? []).map(({ name }) => name)
    const isListening = held.some(({ row }) => row.isListening)
    return {
      ...{ namespace, service, portName, protocol, address, port, isListening, frontends },
      why: isListening ? whyItListens(frontends.length, holdsNodePort) : NOT_LISTENING,
      processes: held.map(({ process: { pid, worker = null }, row: { active: open } }) => ({ pid, worker, open })),
    }
  })
}

const NOT_LISTENING = 'closed, because no endpoint may be used here now: the kernel refuses clients'

type Held = { readonly row: InspectedListener }[]

function byService([, [a]]: [string, Held], [, [b]]: [string, Held]): number {
  const [first, second] = [a!.row.listener, b!.row.listener]
  return (
    first.namespace.localeCompare(second.namespace) ||
    first.service.localeCompare(second.service) ||
    first.key.localeCompare(second.key)
  )
}

function whyItListens(frontends: number, holdsNodePort: boolean): string {
  if (holdsNodePort) return 'holds the node port, so that no other program takes it, and serves it on loopback'
  return frontends === 0 ? 'no rule leads here now' : 'rules lead the packets of these addresses here'
}
