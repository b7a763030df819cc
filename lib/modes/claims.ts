import { type IpAddress } from '../model/address.js'
import { type ServicePort } from '../model/service-port.js'

/** A destination that a service port asks for: a portal of userspace mode, say. */
export interface Claimant {
  /** For messages: `cluster IP 10.96.0.10:80/TCP`. */
  readonly name: string
  readonly servicePort: ServicePort
  /** Undefined: a node port, on any of the node's addresses. */
  readonly address: IpAddress | undefined
  readonly port: number
}

/** A portal that is not served because another one of the same destination came first. */
export interface ClaimConflict {
  readonly portal: Claimant
  readonly winner: Claimant
}

/**
 * Gives each destination (address and port, or node port, of one protocol and family) to one service port: that of the older
 * Service, or, of two of the same age, the first by name. The others are conflicts, whose other portals are served all the
 * same.
 */
export function settleClaims<Portal extends Claimant>(
  portals: readonly Portal[],
): { served: Portal[]; conflicts: ClaimConflict[] } {
  const winners = new Map<string, Portal>()
  const conflicts: ClaimConflict[] = []
  for (const portal of [...portals].sort(byAge)) {
    const claim = claimOf(portal)
    const winner = winners.get(claim)
    if (winner === undefined) winners.set(claim, portal)
    else if (winner.servicePort.key !== portal.servicePort.key) conflicts.push({ portal, winner })
  }
  return { served: portals.filter(portal => winners.get(claimOf(portal)) === portal), conflicts }
}

function claimOf({ address, port, servicePort: { family, protocol } }: Claimant): string {
  return `${family} ${protocol} ${address ?? 'node'} ${port}`
}

function byAge({ servicePort: a }: Claimant, { servicePort: b }: Claimant): number {
  return a.createdAt - b.createdAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}
