import { type IpvsChange } from '../../system/ipvs-text.js'
import { type RealServer, type VirtualServer } from '../../system/virtual-server.js'
import { hasSameSettings } from './virtual-server.js'

/** Virtual servers by `serverKey`. */
export type Servers = ReadonlyMap<string, VirtualServer>

/**
 * The changes that turn what the kernel has into what is wanted, and what it has then.
 *
 * What is new comes first, so that no server is without endpoints in between. A real server of TCP that is not wanted any more
 * keeps its connections: it gets weight 0 and stays, see `spentRealServers`. UDP knows no connections, and one of SCTP has other
 * paths: they are removed at once, as kube-proxy does.
 *
 * @param has what the kernel has; servers of others may be among them
 * @param mayDelete whether a server that is not wanted is ours to delete
 */
export function serverChanges(
  has: Servers,
  wanted: Servers,
  mayDelete: (key: string, server: VirtualServer) => boolean,
): { readonly changes: IpvsChange[]; readonly after: Servers } {
  const coming: IpvsChange[] = []
  const going: IpvsChange[] = []
  const after = new Map(has)
  for (const [key, server] of wanted) {
    const found = has.get(key)
    if (found === server) continue
    if (found === undefined) coming.push({ kind: 'add', server })
    else if (!hasSameSettings(found, server)) coming.push({ kind: 'edit', server })
    const real = realServerChanges(server, found?.realServers ?? [])
    coming.push(...real.coming)
    going.push(...real.going)
    after.set(
      key,
      real.staying.length === 0 ? server : { ...server, realServers: [...server.realServers, ...real.staying] },
    )
  }
  for (const [key, server] of has) {
    if (wanted.has(key) || !mayDelete(key, server)) continue
    going.push({ kind: 'delete', server })
    after.delete(key)
  }
  return { changes: [...coming, ...going], after }
}

/**
 * Removes the real servers that are not wanted any more and have no connections left.
 * @param found with the connections there are
 */
export function spentRealServers(
  found: ReadonlyMap<string, { readonly realServers: readonly (RealServer & { readonly connections: number })[] }>,
  has: Servers,
  wanted: Servers,
): { readonly changes: IpvsChange[]; readonly after: Servers } {
  const changes: IpvsChange[] = []
  const after = new Map(has)
  for (const [key, server] of has) {
    const stays = wanted.get(key)
    if (stays === undefined || stays === server) continue
    const spent = new Set(
      (found.get(key)?.realServers ?? []).filter(real => real.weight === 0 && real.connections === 0).map(endOf),
    )
    for (const real of stays.realServers) spent.delete(endOf(real))
    const realServers = server.realServers.filter(real => !spent.has(endOf(real)))
    for (const real of server.realServers)
      if (spent.has(endOf(real))) changes.push({ kind: 'delete real', server, real })
    after.set(key, realServers.length === stays.realServers.length ? stays : { ...server, realServers })
  }
  return { changes, after }
}

function realServerChanges(server: VirtualServer, found: readonly RealServer[]) {
  const coming: IpvsChange[] = []
  const going: IpvsChange[] = []
  const staying: RealServer[] = []
  const before = new Map(found.map(real => [endOf(real), real]))
  for (const real of server.realServers) {
    const known = before.get(endOf(real))
    before.delete(endOf(real))
    if (known === undefined) coming.push({ kind: 'add real', server, real })
    else if (known.weight !== real.weight) coming.push({ kind: 'edit real', server, real })
  }
  for (const { address, port, weight } of before.values()) {
    const real = { address, port, weight: 0 }
    if (server.protocol !== 'TCP') {
      going.push({ kind: 'delete real', server, real })
      continue
    }
    if (weight !== 0) going.push({ kind: 'edit real', server, real })
    staying.push(real)
  }
  return { coming, going, staying }
}

function endOf({ address, port }: RealServer): string {
  return `${address} ${port}`
}
