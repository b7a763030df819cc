import { type IpvsChange } from '../../system/ipvs-text.js'
import { type RealServer, type VirtualServer } from '../../system/virtual-server.js'
import { hasSameSettings } from './desired-server.js'

/** Virtual servers by `serverKey`. */
export type VirtualServers = ReadonlyMap<string, VirtualServer>

/**
 * The changes that bring the kernel from the current servers to the desired ones, and the servers that it then has.
 *
 * Additions come first, so that no server is ever without endpoints. A TCP real server that is no longer desired keeps its
 * connections: it gets weight 0 and stays until it is drained, see `drainedRealServers`. Real servers of UDP and SCTP are
 * removed at once, as in kube-proxy: UDP has no connections, and an SCTP client has other paths.
 *
 * @param current the servers in the kernel, those of other programs included
 * @param mayDelete whether this program may delete a server that is not desired
 */
export function serverChanges(
  current: VirtualServers,
  desired: VirtualServers,
  mayDelete: (key: string, server: VirtualServer) => boolean,
): { readonly changes: IpvsChange[]; readonly after: VirtualServers } {
  const additions: IpvsChange[] = []
  const removals: IpvsChange[] = []
  const after = new Map(current)
  for (const [key, server] of desired) {
    const existing = current.get(key)
    if (existing === server) continue
    if (existing === undefined) additions.push({ kind: 'add', server })
    else if (!hasSameSettings(existing, server)) additions.push({ kind: 'edit', server })
    const real = realServerChanges(server, existing?.realServers ?? [])
    additions.push(...real.additions)
    removals.push(...real.removals)
    after.set(
      key,
      real.draining.length === 0 ? server : { ...server, realServers: [...server.realServers, ...real.draining] },
    )
  }
  for (const [key, server] of current) {
    if (desired.has(key) || !mayDelete(key, server)) continue
    removals.push({ kind: 'delete', server })
    after.delete(key)
  }
  return { changes: [...additions, ...removals], after }
}

/**
 * The changes that remove real servers that are no longer desired and have no connections left.
 * @param observed the servers in the kernel, with their numbers of connections
 */
export function drainedRealServers(
  observed: ReadonlyMap<string, { readonly realServers: readonly (RealServer & { readonly connections: number })[] }>,
  current: VirtualServers,
  desired: VirtualServers,
): { readonly changes: IpvsChange[]; readonly after: VirtualServers } {
  const changes: IpvsChange[] = []
  const after = new Map(current)
  for (const [key, server] of current) {
    const desiredServer = desired.get(key)
    if (desiredServer === undefined || desiredServer === server) continue
    const drained = new Set(
      (observed.get(key)?.realServers ?? [])
        .filter(real => real.weight === 0 && real.connections === 0)
        .map(realServerKey),
    )
    for (const real of desiredServer.realServers) drained.delete(realServerKey(real))
    const realServers = server.realServers.filter(real => !drained.has(realServerKey(real)))
    for (const real of server.realServers)
      if (drained.has(realServerKey(real))) changes.push({ kind: 'delete real', server, real })
    const rest = { ...server, realServers }
    after.set(key, hasAll(rest, desiredServer) ? desiredServer : rest)
  }
  return { changes, after }
}

/** The real servers that are no longer desired. */
export function surplusRealServers(server: VirtualServer, desired: VirtualServer): readonly RealServer[] {
  const keys = new Set(desired.realServers.map(realServerKey))
  return server.realServers.filter(real => !keys.has(realServerKey(real)))
}

/** The server after one change. Undefined: there is none. */
export function serverAfter(server: VirtualServer | undefined, change: IpvsChange): VirtualServer | undefined {
  const realServers = server?.realServers ?? []
  switch (change.kind) {
    case 'add':
    case 'edit':
      return { ...change.server, realServers }
    case 'delete':
      return undefined
    case 'add real':
    case 'edit real':
    case 'delete real': {
      if (server === undefined) return undefined
      const { kind, real } = change
      const others = realServers.filter(other => realServerKey(other) !== realServerKey(real))
      return { ...server, realServers: kind === 'delete real' ? others : [...others, real] }
    }
  }
}

/** Whether the server is as desired. The kernel may have refused something of it. */
function hasAll(server: VirtualServer, desired: VirtualServer): boolean {
  const present = new Map(server.realServers.map(real => [realServerKey(real), real.weight]))
  const isThere = (real: RealServer): boolean => present.get(realServerKey(real)) === real.weight
  return (
    present.size === desired.realServers.length &&
    hasSameSettings(server, desired) &&
    desired.realServers.every(isThere)
  )
}

function realServerChanges(server: VirtualServer, existing: readonly RealServer[]) {
  const additions: IpvsChange[] = []
  const removals: IpvsChange[] = []
  const draining: RealServer[] = []
  const before = new Map(existing.map(real => [realServerKey(real), real]))
  for (const real of server.realServers) {
    const previous = before.get(realServerKey(real))
    before.delete(realServerKey(real))
    if (previous === undefined) additions.push({ kind: 'add real', server, real })
    else if (previous.weight !== real.weight) additions.push({ kind: 'edit real', server, real })
  }
  for (const { address, port, weight } of before.values()) {
    const real = { address, port, weight: 0 }
    if (server.protocol !== 'TCP') {
      removals.push({ kind: 'delete real', server, real })
      continue
    }
    if (weight !== 0) removals.push({ kind: 'edit real', server, real })
    draining.push(real)
  }
  return { additions, removals, draining }
}

function realServerKey({ address, port }: RealServer): string {
  return `${address} ${port}`
}
