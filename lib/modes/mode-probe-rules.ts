import { type IpFamily } from '../model/address.js'
import { type ProxyMode } from '../model/proxy-mode.js'
import { type Rule } from '../netfilter/rule-set.js'

/** The chain in which they are tried. */
export const PROBE_CHAIN = 'KUBE-PROXY-PROBE'
const PROBE_MARK = 0x4000

const DNAT_TARGETS: Readonly<Record<IpFamily, Rule['target']>> = {
  IPv4: { kind: 'DNAT', address: '192.0.2.1', port: 1 },
  IPv6: { kind: 'DNAT', address: '2001:db8::1', port: 1 },
}

/** Rules by table. */
export type ProbeRules = ReadonlyMap<string, readonly Rule[]>

export const RANDOM_PORT_RULES: ProbeRules = new Map([['nat', [{ target: { kind: 'MASQUERADE', randomPort: true } }]]])

/**
 * What rules of a mode ask of the kernel, by table: one rule for each kind of match and target that it uses, in a chain that no
 * packet gets to. Whether the kernel takes them shows whether the mode can be had; a module that is missing is named.
 */
export function buildProbeRules(mode: ProxyMode, family: IpFamily): ProbeRules {
  const rulesByTable = mode === 'userspace' ? userspaceProbeRules(family) : kernelProbeRules(mode, family)
  return new Map(
    [...rulesByTable].map(([table, rules]) => [
      table,
      rules.map(rule => ({ comment: 'kube-proxy asks what can be done', ...rule })),
    ]),
  )
}

function userspaceProbeRules(family: IpFamily): Map<string, Rule[]> {
  const nat: Rule[] = [
    { protocol: 'TCP', destinationPort: 80, toThisNode: true, target: DNAT_TARGETS[family] },
    { protocol: 'UDP', destinationPort: 80, target: { kind: 'REDIRECT', port: 1 } },
  ]
  const filter: Rule[] = [
    { protocol: 'TCP', destinationPorts: [1, 2], target: { kind: 'DROP' } },
    { protocol: 'TCP', connection: 'NEW', target: { kind: 'REJECT', with: 'tcp-reset' } },
    { connection: 'DNAT', target: { kind: 'REJECT', with: 'port-unreachable' } },
  ]
  return new Map([
    ['nat', nat],
    ['filter', filter],
  ])
}

function kernelProbeRules(mode: 'iptables' | 'ipvs', family: IpFamily): Map<string, Rule[]> {
  const nat: Rule[] = [
    { not: { mark: PROBE_MARK }, target: { kind: 'RETURN' } },
    { target: { kind: 'MARK', operation: 'toggle', bits: PROBE_MARK } },
    { target: { kind: 'MASQUERADE', randomPort: false } },
    { fromThisNode: true, target: { kind: 'ACCEPT' } },
  ]
  // In ipvs mode IPVS translates, and it is asked by itself.
  if (mode === 'iptables')
    nat.push(
      { protocol: 'TCP', destinationPort: 80, toThisNode: true, target: DNAT_TARGETS[family] },
      { oneIn: 2, target: { kind: 'RETURN' } },
      { recent: { list: PROBE_CHAIN, action: 'check', seconds: 1 }, target: { kind: 'RETURN' } },
    )
  const filter: Rule[] = [
    { connection: ['RELATED', 'ESTABLISHED'], target: { kind: 'ACCEPT' } },
    { protocol: 'TCP', connection: 'NEW', target: { kind: 'REJECT', with: 'tcp-reset' } },
    { target: { kind: 'REJECT', with: 'port-unreachable' } },
    { mark: PROBE_MARK, target: { kind: 'ACCEPT' } },
  ]
  return new Map([
    ['nat', nat],
    ['filter', filter],
  ])
}
