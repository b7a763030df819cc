import { type IpAddress, type IpFamily } from '../model/address.js'
import { type Rule, type RuleTarget } from './rule-set.js'

/** Addresses for documentation (RFC 5737, RFC 3849): no packet has them. */
const ADDRESS: Readonly<Record<IpFamily, IpAddress>> = { IPv4: '192.0.2.1', IPv6: '2001:db8::1' }
const PORT = 80

type Match = Omit<Rule, 'target'>

/**
 * A rule of the same kind (`ruleKind`) with ordinary values. If the kernel refuses it too, it is not because of one Service's addresses,
 * ports or names.
 */
export function typicalRule({ target, not, ...match }: Rule, family: IpFamily): Rule {
  return {
    ...typicalMatch(match, family),
    ...(not !== undefined && { not: typicalMatch(not, family) }),
    target: typicalTarget(target, family),
  }
}

function typicalMatch(match: Match, family: IpFamily): Match {
  const typical: Match = {
    comment: 'typical',
    source: ADDRESS[family],
    destination: ADDRESS[family],
    inInterface: 'lo',
    destinationPort: PORT,
    destinationPorts: [PORT],
    sourcePort: PORT,
    sourcePorts: [PORT],
    mark: 1,
    oneIn: 2,
  }
  const given = Object.keys(match) as (keyof Match)[]
  const replaced = Object.fromEntries(given.map(field => [field, typical[field] ?? match[field]])) as Match
  if (match.recent === undefined) return replaced
  const list = 'KUBE-TYPICAL'
  const recent = match.recent.action === 'set' ? { ...match.recent, list } : { ...match.recent, list, seconds: 60 }
  return { ...replaced, recent }
}

function typicalTarget(target: RuleTarget, family: IpFamily): RuleTarget {
  switch (target.kind) {
    // The chain may not exist.
    case 'jump':
      return { kind: 'RETURN' }
    case 'DNAT':
      return { kind: 'DNAT', address: ADDRESS[family], port: PORT }
    case 'REDIRECT':
      return { kind: 'REDIRECT', port: PORT }
    default:
      return target
  }
}
