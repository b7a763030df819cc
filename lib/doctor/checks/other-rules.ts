import { familyOf } from '../../model/address.js'
import { type Check, IRRELEVANT, cannotLook, fine, finding, remark } from '../check.js'
import { type EndpointWalk, type FoundRule, type ServiceWalk, type WalkOutcome } from '../kernel-facts.js'
import { ruleProof } from '../rule-proof.js'
import { ruleCommand, walkText } from '../walk-text.js'

/** No rule of another program takes the packets before those of the proxy. */
export const OTHER_RULES: Check = {
  code: 'other-rule-first',
  title: 'Rules of others',
  look({ kernel, client }) {
    if (!kernel.isSeen) return cannotLook(kernel.why)
    const { walks, addresses } = kernel.value
    if (walks.length === 0) return IRRELEVANT
    const taken = walks.flatMap(walk => (walk.outcome.kind === 'taken' ? [{ walk, rule: walk.outcome.rule }] : []))
    const isOfNode = ({ kind, address }: ServiceWalk): boolean => kind !== 'node port' && addresses.includes(address)
    const sure = taken.find(({ walk, rule }) => !isOfNode(walk) && isCertain(walk, rule, client !== undefined))
    if (sure === undefined) {
      const [first] = taken
      if (first !== undefined)
        return remark(
          isOfNode(first.walk)
            ? `this node itself has ${first.walk.address}, and ${first.rule.rule} keeps its packets from kube-proxy: another program here serves the address, such as NodeLocal DNSCache`
            : `${walkText(first.walk)} would be taken by ${first.rule.rule}, which asks who sends: --from ADDRESS judges one client`,
        )
      const unknown = walks.map(({ outcome }) => unknownText(outcome)).find(why => why !== undefined)
      return unknown === undefined ? fine('none stands before those of the proxy') : cannotLook(unknown)
    }
    const { rule, walk } = sure
    return finding(
      `A rule of another program takes the packets before kube-proxy's rules: ${rule.rule}`,
      [`${walkText(walk)} is taken by it`, ...ruleProof(rule)],
      [
        ruleCommand(rule, familyOf(walk.address)),
        'Which program writes it? Change it in the configuration of that one',
      ],
    )
  },
}

/** No rule of the node drops the packets. */
export const FIREWALL: Check = {
  code: 'firewall-drops',
  title: 'Firewall',
  look({ kernel, client }) {
    if (!kernel.isSeen) return cannotLook(kernel.why)
    const { walks, endpointWalks } = kernel.value
    if (walks.length + endpointWalks.length === 0) return IRRELEVANT
    const drops = [...walks.flatMap(walk => dropOf(walk, walkText(walk))), ...endpointWalks.flatMap(nodeDropOf)]
    const sure = drops.find(({ from, outcome }) => isCertain({ from }, outcome.rule, client !== undefined))
    const [first] = drops
    if (sure === undefined)
      return first === undefined
        ? fine('no rule of the node drops packets of the Service')
        : remark(
            `${first.what} would be ${first.outcome.how} by ${ruleText(first.outcome.rule)}, as a firewall or a NetworkPolicy may mean it: --from ADDRESS judges one client`,
          )
    const { rule, how } = sure.outcome
    const verb = how === 'dropped' ? 'drops' : 'refuses'
    return finding(
      `A firewall of this node ${verb} packets of the Service: ${rule.rule}`,
      [`${sure.what} is ${how}`, ...ruleProof(rule)],
      [
        ruleCommand(rule, sure.family),
        rule.position === undefined
          ? `If this traffic may pass, add a rule with ACCEPT for it to chain ${rule.chain} of table ${rule.table}`
          : `If this traffic may pass, add a rule with ACCEPT for it before that one, in chain ${rule.chain} of table ${rule.table}`,
        'Do it in the configuration of the firewall: let traffic of the Pods and of node ports pass',
      ],
    )
  },
}

interface Drop {
  readonly from: ServiceWalk['from']
  readonly what: string
  readonly family: ReturnType<typeof familyOf>
  readonly outcome: WalkOutcome & { readonly kind: 'stopped' }
}

function dropOf({ outcome, from, address }: Pick<ServiceWalk, 'outcome' | 'from' | 'address'>, what: string): Drop[] {
  return outcome.kind === 'stopped' && !outcome.isOwn ? [{ from, what, family: familyOf(address), outcome }] : []
}

function nodeDropOf({ address, outcome }: EndpointWalk): Drop[] {
  const ip = address.replace(/:\d+$/, '').replace(/[[\]]/g, '')
  return dropOf({ from: 'node', address: ip, outcome }, `a connection of this node to the endpoint ${address}`)
}

/**
 * Whether a rule stands in the way of a sender that is there. Without a named client, the senders are made up, and a rule may be meant
 * for them. The node is there; but a chain of a program of policies is meant for it, too.
 */
function isCertain({ from }: Pick<ServiceWalk, 'from'>, rule: FoundRule, isNamed: boolean): boolean {
  return isNamed || rule.isForAll || (from === 'node' && BUILT_IN.includes(rule.chain))
}

const BUILT_IN = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']

function ruleText({ table, chain, rule }: FoundRule): string {
  return `${rule} (chain ${chain} of table ${table})`
}

function unknownText(outcome: WalkOutcome): string | undefined {
  return outcome.kind === 'unknown' ? outcome.why : undefined
}
