import { type Check, IRRELEVANT, cannotLook, fine, finding } from '../check.js'
import { type WalkOutcome } from '../kernel-facts.js'
import { ruleProof } from '../rule-proof.js'
import { deleteCommand, walkText } from '../walk-text.js'

/** No rule of another program takes the packets before those of the proxy. */
export const OTHER_RULES: Check = {
  code: 'other-rule-first',
  title: 'Rules of others',
  look({ kernel }) {
    if (!kernel.isSeen) return cannotLook(kernel.why)
    const { walks } = kernel.value
    if (walks.length === 0) return IRRELEVANT
    const walk = walks.find(({ outcome }) => outcome.kind === 'taken')
    if (walk?.outcome.kind !== 'taken') {
      const unknown = walks.map(({ outcome }) => unknownText(outcome)).find(why => why !== undefined)
      return unknown === undefined ? fine('none stands before those of the proxy') : cannotLook(unknown)
    }
    const { rule } = walk.outcome
    return finding(
      `A rule of another program takes the packets before kube-proxy's rules: ${rule.rule}`,
      [`${walkText(walk)} is taken by it`, ...ruleProof(rule)],
      [deleteCommand(rule, walk), 'Which program writes it? Remove it there, or it comes back'],
    )
  },
}

/** No rule of the node drops the packets. */
export const FIREWALL: Check = {
  code: 'firewall-drops',
  title: 'Firewall',
  look({ kernel }) {
    if (!kernel.isSeen) return cannotLook(kernel.why)
    const { walks, endpointWalks } = kernel.value
    if (walks.length + endpointWalks.length === 0) return IRRELEVANT
    const walk = walks.find(({ outcome }) => isFirewall(outcome))
    const own = endpointWalks.find(({ outcome }) => isFirewall(outcome))
    const outcome = walk?.outcome ?? own?.outcome
    if (outcome?.kind !== 'stopped') return fine('no rule of the node drops packets of the Service')
    const { rule, how } = outcome
    const what = walk === undefined ? `a connection of this node to the endpoint ${own!.address}` : walkText(walk)
    const verb = how === 'dropped' ? 'drops' : 'refuses'
    const fix =
      rule.position === undefined
        ? `Let the packets pass in chain ${rule.chain}, or set its policy: iptables -P ${rule.chain} ACCEPT`
        : deleteCommand(rule, walk ?? { address: own!.address })
    return finding(
      `A firewall of this node ${verb} packets of the Service: ${rule.rule}`,
      [`${what} is ${how}`, ...ruleProof(rule)],
      [fix, 'Or let traffic of the Pods and of node ports pass in the configuration of the firewall'],
    )
  },
}

function isFirewall(outcome: WalkOutcome): boolean {
  return outcome.kind === 'stopped' && !outcome.isOwn
}

function unknownText(outcome: WalkOutcome): string | undefined {
  return outcome.kind === 'unknown' ? outcome.why : undefined
}
