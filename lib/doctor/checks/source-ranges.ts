import { familyOf } from '../../model/address.js'
import { type Cidr, cidrContains } from '../../model/cidr.js'
import { type Check, type CheckResult, IRRELEVANT, cannotLook, fine, finding, remark } from '../check.js'
import { type DoctorFacts } from '../doctor-facts.js'
import { type ServiceWalk } from '../kernel-facts.js'
import { countOf } from '../../explain/explain-step.js'
import { ruleProof } from '../rule-proof.js'

/** Clients are in loadBalancerSourceRanges. */
export const SOURCE_RANGES: Check = {
  code: 'source-ranges',
  title: 'Source ranges',
  look(facts) {
    const { ports, objects, kernel, client } = facts
    const isFirewalled = ports.some(({ frontends }) =>
      frontends.some(({ actions }) => actions?.fromExternal.endsWith('-firewalled') === true),
    )
    const ranges = objects.isSeen ? objects.value.service?.sourceRanges : undefined
    if (!isFirewalled && ranges === undefined) return ports.length === 0 ? IRRELEVANT : fine('all clients are let in')
    const walks = kernel.isSeen ? kernel.value.walks : []
    const stopped = walks.find(isTurnedAway)
    if (ranges !== undefined && ranges.length === 0)
      return turnedAway(
        'No client can be in the source ranges',
        ['loadBalancerSourceRanges has no readable range'],
        facts,
      )
    // For clients inside the cluster, the ranges do not matter.
    if (client !== undefined && walks.some(({ from }) => from !== 'outside'))
      return fine(`${client} is inside the cluster`)
    if (client !== undefined && ranges !== undefined && isOutside(client, ranges))
      return turnedAway(
        `The client ${client} is in no source range of the Service`,
        [`loadBalancerSourceRanges: ${rangeTexts(ranges)}`, ...(stopped === undefined ? [] : proofOf(stopped))],
        facts,
      )
    if (client !== undefined && stopped !== undefined && ranges === undefined)
      return turnedAway(`The client ${client} is in no source range of the Service`, proofOf(stopped), facts)
    const counted = walks.find(walk => isTurnedAway(walk) && (ruleOf(walk)?.packets ?? 0) > 0)
    if (counted !== undefined)
      return remark(
        `clients outside of ${ranges === undefined ? 'the source ranges' : rangeTexts(ranges)} were turned away, as the ranges say: ${countOf(ruleOf(counted)!.packets!, 'packet')}. --from ADDRESS says whether a client is in them`,
      )
    if (client !== undefined && ranges !== undefined) return fine(`the client ${client} is in ${rangeTexts(ranges)}`)
    return ranges === undefined
      ? cannotLook('only the Service object has the ranges: give --kubeconfig')
      : fine(`${rangeTexts(ranges)}; --from ADDRESS says whether a client is in them`)
  },
}

function isOutside(client: string, ranges: readonly Cidr[]): boolean {
  return !ranges.some(range => range.family === familyOf(client) && cidrContains(range, client))
}

/** A rule of the proxy drops the packet of a client that is in no range. */
function isTurnedAway({ from, kind, outcome, isInRanges }: ServiceWalk): boolean {
  const isLimited = kind === 'load-balancer IP' || kind === 'node port'
  return from === 'outside' && isLimited && isInRanges !== true && outcome.kind === 'stopped' && outcome.isOwn
}

function ruleOf({ outcome }: ServiceWalk) {
  return outcome.kind === 'stopped' ? outcome.rule : undefined
}

function proofOf(walk: ServiceWalk): string[] {
  const rule = ruleOf(walk)
  return rule === undefined ? [] : [`a packet of ${walk.sender} to ${walk.address} is dropped`, ...ruleProof(rule)]
}

function rangeTexts(ranges: readonly Cidr[]): string {
  return ranges.map(rangeText).join(', ')
}

function rangeText({ network, bits }: Cidr): string {
  return `${network}/${bits}`
}

function turnedAway(verdict: string, proof: readonly string[], { name, client, objects }: DoctorFacts): CheckResult {
  const ranges = objects.isSeen ? (objects.value.service?.sourceRanges ?? []) : []
  // A patch replaces the whole list.
  const all =
    client === undefined || ranges.length === 0
      ? undefined
      : [...ranges.map(rangeText), `${client}/${familyOf(client) === 'IPv6' ? 128 : 32}`]
  const patch = JSON.stringify({ spec: { loadBalancerSourceRanges: all } })
  return finding(verdict, proof, [
    all === undefined
      ? `Add the range of the client to loadBalancerSourceRanges: kubectl edit service ${name.name} -n ${name.namespace}`
      : `kubectl patch service ${name.name} -n ${name.namespace} -p '${patch}'`,
    'If a load balancer or router translates the source address, its address must be in the ranges, not that of the client',
  ])
}
