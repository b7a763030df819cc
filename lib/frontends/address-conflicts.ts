import { type IpAddress } from '../model/address.js'
import { type ServicePort } from '../model/service-port.js'

/** A destination that a service port asks for: a portal of userspace mode, say. */
export interface AddressUser {
  /** For messages: `cluster IP 10.96.0.10:80/TCP`. */
  readonly name: string
  readonly servicePort: ServicePort
  /** Undefined: a node port, on any of the node's addresses. */
  readonly address: IpAddress | undefined
  readonly port: number
}

/** A portal that is not served because another one of the same destination came first. */
export interface AddressConflict {
  readonly loser: AddressUser
  readonly winner: AddressUser
}

/**
 * Gives each destination (address and port, or node port, of one protocol and family) to one service port: that of the older
 * Service, or, of two of the same age, the first by name. The others are conflicts, whose other portals are served all the
 * same.
 */
export function resolveAddressConflicts<Portal extends AddressUser>(
  users: readonly Portal[],
): { served: Portal[]; conflicts: AddressConflict[] } {
  const winners = new Map<string, Portal>()
  const conflicts: AddressConflict[] = []
  for (const user of [...users].sort(compareByAge)) {
    const key = addressKey(user)
    const winner = winners.get(key)
    if (winner === undefined) winners.set(key, user)
    else if (winner.servicePort.key !== user.servicePort.key) conflicts.push({ loser: user, winner })
  }
  return { served: users.filter(user => winners.get(addressKey(user)) === user), conflicts }
}

function addressKey({ address, port, servicePort: { family, protocol } }: AddressUser): string {
  return `${family} ${protocol} ${address ?? 'node'} ${port}`
}

function compareByAge({ servicePort: a }: AddressUser, { servicePort: b }: AddressUser): number {
  return a.createdAt - b.createdAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}
