import { type InspectedAffinity, type InspectedProcess } from '../dataplane/inspect-request.js'
import { type Protocol } from '../model/protocol.js'

/** The endpoint that a client keeps (`sessionAffinity: ClientIP`). */
export interface AffinityView {
  readonly namespace: string
  readonly service: string
  readonly portName: string
  readonly protocol: Protocol
  readonly client: string
  /** `ip:port` */
  readonly endpoint: string
  /** When it ends if the client stays silent, as in RFC 3339. */
  readonly expiresAt: string
}

/** The records of all processes. @param now milliseconds since 1970 */
export function affinityViews(processes: readonly InspectedProcess[], now: number): AffinityView[] {
  return processes.flatMap(({ rows }) =>
    (rows as readonly InspectedAffinity[]).map(
      ({ listener: { namespace, service, portName, protocol }, client, endpoint, leftMs }) => ({
        ...{ namespace, service, portName, protocol, client, endpoint },
        expiresAt: new Date(now + leftMs).toISOString(),
      }),
    ),
  )
}
