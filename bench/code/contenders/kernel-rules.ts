import { type IptablesBackEnd, programName } from '../../../lib/system/iptables-back-end.js'
import { NODE_IP } from '../../../test/support/nodes/node-network.js'
import { type BenchService } from '../testbed/bench-service.js'
import { type Testbed } from '../testbed/testbed.js'

const ROOT_CHAIN = 'BENCH-SERVICES'

/**
 * Rules like those of kube-proxy's iptables mode: one list of all Services, one chain per Service, a random endpoint.
 * Connection tracking handles the other packets.
 */
export function dnatToEndpoints(services: readonly BenchService[]): string {
  const chains = services.map((_, n) => `:BENCH-SVC-${n} - [0:0]`)
  const rules = services.flatMap(({ clusterIP, port, protocol, targetPort, endpoints }, n) => [
    `-A ${ROOT_CHAIN} -d ${clusterIP}/32 -p ${protocol.toLowerCase()} --dport ${port} -j BENCH-SVC-${n}`,
    ...endpoints.map((ip, e) => {
      const left = endpoints.length - e
      const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`
      return `-A BENCH-SVC-${n} -p ${protocol.toLowerCase()}${chance} -j DNAT --to-destination ${ip}:${targetPort}`
    }),
  ])
  return natTable(chains, rules)
}

/** Rules that redirect the address of a Service to a port of the node, for a proxy without support for Services. */
export function dnatToNode(services: readonly (BenchService & { readonly nodePort: number })[]): string {
  const rules = services.map(
    ({ clusterIP, port, protocol, nodePort }) =>
      `-A ${ROOT_CHAIN} -d ${clusterIP}/32 -p ${protocol.toLowerCase()} --dport ${port} -j DNAT --to-destination ${NODE_IP}:${nodePort}`,
  )
  return natTable([], rules)
}

function natTable(chains: readonly string[], rules: readonly string[]): string {
  return ['*nat', `:${ROOT_CHAIN} - [0:0]`, ...chains, `-A PREROUTING -j ${ROOT_CHAIN}`, ...rules, 'COMMIT', ''].join(
    '\n',
  )
}

/** Replaces all rules of the table in one write. */
export async function restoreRules(site: Testbed, text: string): Promise<void> {
  const { exitCode, stderr } = await site.network.node.run('iptables-restore', [], { input: text, timeoutMs: 60_000 })
  if (exitCode !== 0) throw new Error(`iptables-restore could not write the rules: ${stderr.trim()}`)
}

/** Removes all rules in the tables nat and filter of one iptables variant. */
export async function removeAllRules(site: Testbed, flavour: IptablesBackEnd = 'plain'): Promise<void> {
  for (const family of ['IPv4', 'IPv6'] as const) {
    const program = programName(family, flavour, 'restore')
    const input = '*nat\nCOMMIT\n*filter\nCOMMIT\n'
    const { exitCode, stderr } = await site.network.node.run(program, [], { input, timeoutMs: 120_000 })
    if (exitCode !== 0) throw new Error(`${program} could not take the rules away: ${stderr.trim()}`)
  }
}

/** Removes what ipvs mode leaves: virtual servers, rules, their sets, and addresses. */
export async function removeAllIpvs(site: Testbed, flavour: IptablesBackEnd): Promise<void> {
  const { node } = site.network
  await node.run('ipvsadm', ['-C'])
  await removeAllRules(site, flavour)
  await node.run('ipset', ['destroy'])
  await node.run('ip', ['link', 'delete', 'kube-ipvs0'])
}
