import { type ResolvedFrontends } from '../frontends/frontend-table.js'
import { describeFrontend } from './describe-frontend.js'
import { type KnownServices } from './explained-state.js'

/**
 * What is known of Services that a mode serves.
 * @param resolved undefined: it serves none yet
 */
export function knownServices(
  resolved: ResolvedFrontends | undefined,
  objects: Pick<KnownServices, 'services' | 'localTraffic' | 'explainEndpoints'>,
): KnownServices {
  const { frontends = [], conflicts = [] } = resolved ?? {}
  return {
    ...objects,
    frontends,
    unserved: conflicts.map(({ loser, winner, rule }) => ({
      frontend: loser,
      why: `${rule} (${describeFrontend(winner)})`,
    })),
    // Few questions need them, and there may be 100,000.
    get endpoints() {
      return [...(resolved?.snapshot.ports.values() ?? [])].flatMap(({ endpoints }) => endpoints)
    },
  }
}
