import { type Frontend, type FrontendKind } from './frontend.js'

/** A frontend that is not served because another Service has its address. */
export interface AddressConflict {
  readonly loser: Frontend
  readonly winner: Frontend
  /** The rule that decided, for people. */
  readonly rule: string
}

/**
 * Which kind of address goes first, by who grants it. The API server allocates cluster IPs; a controller writes load-balancer IPs
 * into the status; external IPs are free text of any user who may write a Service (CVE-2020-8554). Node ports have no address,
 * so they meet node ports only; the rules of every mode serve an address with a port before node ports, as kube-proxy does.
 */
const KINDS: readonly FrontendKind[] = ['cluster IP', 'load-balancer IP', 'external IP', 'node port']

/**
 * Gives each address and port, and each node port, of one protocol and family to one service port: by kind, then to the older
 * Service, then to the first by name (objects from manifests have no age). A cluster IP belongs to its Service with all ports
 * and protocols: no other Service gets a port of it as external IP or load-balancer IP. The loser's other frontends are served.
 */
export function resolveAddressConflicts(frontends: readonly Frontend[]): {
  readonly served: Frontend[]
  readonly conflicts: AddressConflict[]
} {
  const winners = new Map<string, Frontend>()
  const clusterIPs = new Map<string, Frontend[]>()
  const losers = new Set<Frontend>()
  const conflicts: AddressConflict[] = []
  const lose = (loser: Frontend, winner: Frontend, rule: string): void => {
    losers.add(loser)
    if (winner.servicePort.key !== loser.servicePort.key) conflicts.push({ loser, winner, rule })
  }
  for (const frontend of [...frontends].sort(comparePrecedence)) {
    const { kind, address, port, servicePort } = frontend
    const host = `${servicePort.family} ${address ?? 'node'}`
    if (kind === 'cluster IP') clusterIPs.set(host, [...(clusterIPs.get(host) ?? []), frontend])
    const owners = clusterIPs.get(host)
    const key = `${host} ${servicePort.protocol} ${port}`
    const winner = winners.get(key)
    if (winner !== undefined) lose(frontend, winner, decidingRule(winner, frontend))
    else if (kind !== 'cluster IP' && owners?.every(owner => !isSameService(owner, frontend)) === true)
      lose(frontend, owners[0]!, 'a cluster IP is served for its own Service only')
    else winners.set(key, frontend)
  }
  return { served: frontends.filter(frontend => !losers.has(frontend)), conflicts }
}

/** Orders frontends by precedence; the first one with an address is served. */
function comparePrecedence(a: Frontend, b: Frontend): number {
  return (
    KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
    a.servicePort.createdAt - b.servicePort.createdAt ||
    (a.servicePort.key < b.servicePort.key ? -1 : a.servicePort.key > b.servicePort.key ? 1 : 0)
  )
}

function decidingRule(winner: Frontend, loser: Frontend): string {
  if (winner.kind !== loser.kind)
    return `a ${winner.kind} goes before ${loser.kind === 'external IP' ? 'an' : 'a'} ${loser.kind}`
  return winner.servicePort.createdAt === loser.servicePort.createdAt
    ? 'the Service whose name comes first is served'
    : 'the older Service is served'
}

function isSameService({ servicePort: a }: Frontend, { servicePort: b }: Frontend): boolean {
  return a.namespace === b.namespace && a.name === b.name
}
