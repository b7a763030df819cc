import { type Frontend } from './frontend.js'

/** A frontend that is not served because another service port uses the same address. */
export interface AddressConflict {
  readonly loser: Frontend
  readonly winner: Frontend
}

/**
 * Gives each address and port, and each node port, of one protocol and family to one service port. The older Service wins; of
 * two that are equally old, the first by name. The loser's other frontends are still served.
 */
export function resolveAddressConflicts(frontends: readonly Frontend[]): {
  readonly served: Frontend[]
  readonly conflicts: AddressConflict[]
} {
  const winners = new Map<string, Frontend>()
  const conflicts: AddressConflict[] = []
  for (const frontend of [...frontends].sort(compareByAge)) {
    const key = addressKey(frontend)
    const winner = winners.get(key)
    if (winner === undefined) winners.set(key, frontend)
    else if (winner.servicePort.key !== frontend.servicePort.key) conflicts.push({ loser: frontend, winner })
  }
  return { served: frontends.filter(frontend => winners.get(addressKey(frontend)) === frontend), conflicts }
}

function addressKey({ address, port, servicePort: { family, protocol } }: Frontend): string {
  return `${family} ${protocol} ${address ?? 'node'} ${port}`
}

function compareByAge({ servicePort: a }: Frontend, { servicePort: b }: Frontend): number {
  return a.createdAt - b.createdAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}
