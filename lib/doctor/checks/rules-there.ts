import { hostPort } from '../../model/address.js'
import { type Check, IRRELEVANT, cannotLook, fine, finding } from '../check.js'
import { type KernelFacts, type ServiceWalk } from '../kernel-facts.js'
import { countOf } from '../../explain/explain-step.js'
import { firstOf } from '../first-of.js'
import { walkText } from '../walk-text.js'

/** The kernel has the rules for each address. */
export const RULES_THERE: Check = {
  code: 'no-rule',
  title: 'Rules',
  isEssential: true,
  look({ kernel, proxy, ports, client }) {
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
      return fine(`${countOf(served, 'way')} of packets lead where they should, in ${mode} mode`)
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
function isElsewhere({ kind, port, protocol }: ServiceWalk, { walks }: KernelFacts): boolean {
  return (
    kind === 'node port' &&
    walks.some(each => each.port === port && each.protocol === protocol && each.outcome.kind === 'served')
  )
}
