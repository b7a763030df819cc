import { familyOf, hostPort } from '../../model/address.js'
import { type Check, type CheckResult, IRRELEVANT, cannotLook, fine, finding, remark } from '../check.js'
import { type DoctorFacts } from '../doctor-facts.js'
import { type KernelFacts, type ServiceWalk } from '../kernel-facts.js'
import { countOf } from '../../explain/explain-step.js'
import { firstOf } from '../first-of.js'
import { ruleProof } from '../rule-proof.js'
import { walkText } from '../walk-text.js'

/** The kernel has the rules for each address. */
export const RULES_THERE: Check = {
  code: 'no-rule',
  title: 'Rules',
  isEssential: true,
  look(facts) {
    const { kernel, proxy, ports, client } = facts
    if (!kernel.isSeen) return ports.length === 0 ? IRRELEVANT : cannotLook(kernel.why)
    const { walks, mode } = kernel.value
    if (walks.length === 0)
      return client === undefined || ports.length === 0
        ? IRRELEVANT
        : cannotLook(
            `${client} is no Pod of this node, and the Service has no address for hosts outside: run the doctor on the node of the client`,
          )
    const lost = walks.filter(walk => walk.outcome.kind === 'untranslated' && !isElsewhere(walk, kernel.value))
    if (lost.length === 0) {
      const served = walks.filter(({ outcome }) => outcome.kind === 'served').length
      return (
        stoppedByOwn(walks) ??
        strayWay(facts) ??
        fine(`${countOf(served, 'way')} of packets lead where they should, in ${mode} mode${followedText(walks)}`)
      )
    }
    const places = [...new Set(lost.map(({ address, port, protocol }) => `${hostPort(address, port)}/${protocol}`))]
    const overview = proxy.isSeen ? proxy.value.overview : undefined
    return finding(
      `The kernel has no rule for ${firstOf(places).join(', ')}`,
      [
        ...firstOf(lost.map(walk => `${walkText(walk)} meets no rule that translates its destination`)),
        overview === undefined
          ? 'no proxy answers that would write the rules again'
          : `the proxy, process ${overview.pid}, is ${overview.state}; its last sync: ${overview.lastSync?.outcome ?? 'none'}${overview.lastSync === null ? '' : ` at ${overview.lastSync.at}`}`,
      ],
      overview === undefined
        ? ['kubectl get pods -n kube-system -l k8s-app=kube-proxy -o wide', 'Start kube-proxy on this node']
        : [
            'kube-proxy status syncs',
            'kubectl logs -n kube-system ds/kube-proxy --tail=50',
            'Which program removes rules? A firewall service that reloads flushes those of others',
          ],
    )
  },
}

/** A further address of the node, or one of a node port that is served at another one: not a matter of missing rules. */
function isElsewhere({ kind, address, port, protocol }: ServiceWalk, { walks }: KernelFacts): boolean {
  return (
    kind === 'node port' &&
    walks.some(
      each =>
        each.port === port &&
        each.protocol === protocol &&
        familyOf(each.address) === familyOf(address) &&
        each.outcome.kind === 'served',
    )
  )
}

/** A rule of the proxy stops packets for which there is an endpoint. */
function stoppedByOwn(walks: readonly ServiceWalk[]): CheckResult | undefined {
  const walk = walks.find(isStoppedByOwn)
  if (walk?.outcome.kind !== 'stopped') return undefined
  const { how, rule } = walk.outcome
  return finding(
    `A rule of the proxy stops packets of the Service, although it has endpoints`,
    [`${walkText(walk)} is ${how}`, ...ruleProof(rule)],
    ['kube-proxy status syncs', 'kubectl logs -n kube-system ds/kube-proxy --tail=50'],
  )
}

/** Source ranges are meant to stop packets, and so is policy Local for Pods that the node cannot distinguish from clients outside. */
function isStoppedByOwn({ outcome, from, kind, isLimited, isInRanges }: ServiceWalk): boolean {
  if (outcome.kind !== 'stopped' || !outcome.isOwn || (isLimited && isInRanges !== true)) return false
  return from !== 'pod' || kind === 'cluster IP'
}

/** Rules lead to an address that is no endpoint. A proxy that runs may be about to write them again. */
function strayWay({ kernel, proxy, ports, endpoints, objects }: DoctorFacts): CheckResult | undefined {
  if (!kernel.isSeen || kernel.value.carriedBy !== 'kernel' || ports.length === 0) return undefined
  const used = new Set(endpoints.filter(({ isUsed }) => isUsed).map(({ address }) => address))
  const strays = kernel.value.walks.flatMap(walk => {
    const { outcome } = walk
    return outcome.kind === 'served' ? outcome.to.filter(to => !used.has(to)).map(to => ({ walk, to })) : []
  })
  const [first] = strays
  if (first === undefined) return undefined
  const places = firstOf([...new Set(strays.map(({ to }) => to))]).join(', ')
  if (proxy.isSeen)
    return remark(
      `rules lead to ${places}, and that is no endpoint now: a change may be under way. If a second look says so too, see kube-proxy status syncs`,
    )
  return finding(
    `Rules lead to ${places}, which is no endpoint of the Service, and no proxy answers that would write them again`,
    [
      `${walkText(first.walk)} is led to ${first.to}`,
      `the endpoints${objects.isSeen ? `, as ${objects.value.origin} has them,` : ''} are ${firstOf([...used]).join(', ') || 'none'}`,
      proxy.why,
    ],
    ['kubectl get pods -n kube-system -l k8s-app=kube-proxy -o wide', 'Start kube-proxy on this node'],
  )
}

/** Whose packets were followed: where no Pod of this node is known, none of a Pod is. */
function followedText(walks: readonly ServiceWalk[]): string {
  return walks.some(({ from }) => from === 'pod') ? '' : '; packets of Pods were not looked at'
}
