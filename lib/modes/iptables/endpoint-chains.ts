import { type Endpoint, endpointKey } from '../../model/endpoint.js'
import { type ServicePort, servicePortName } from '../../model/service-port.js'
import { type Rule, type RuleTarget } from '../../netfilter/rule-set.js'
import { MARK_MASQ } from '../../netfilter/chain-names.js'
import { endpointChainName } from './service-chain-names.js'

/** Builds the chains of one service port's endpoints, and the rules that choose among them. */
export class EndpointChains {
  readonly #servicePort: ServicePort
  /** The service port's name in the comments of rules; undefined: no comments. */
  readonly #comment: string | undefined
  readonly #names = new Map<string, string>()

  constructor(servicePort: ServicePort, hasComments: boolean) {
    this.#servicePort = servicePort
    this.#comment = hasComments ? servicePortName(servicePort) : undefined
  }

  /**
   * Chooses an endpoint at random, all with the same probability. With session affinity, a client first goes back to its last
   * endpoint: the kernel remembers 100 clients for each endpoint, unless the module xt_recent is configured otherwise.
   */
  buildSelection(endpoints: readonly Endpoint[]): Rule[] {
    const { affinitySeconds: seconds } = this.#servicePort
    const jumps = endpoints.map(endpoint => {
      const chain = this.#chainName(endpoint)
      const comment = this.#comment === undefined ? {} : { comment: `${this.#comment} -> ${endpointKey(endpoint)}` }
      return { ...comment, target: { kind: 'jump', chain } satisfies RuleTarget }
    })
    const affinityRules = seconds === undefined ? [] : jumps.map(jump => affinityRule(jump, seconds))
    const randomRules = jumps.map((jump, index) => {
      const oneIn = jumps.length - index
      return oneIn === 1 ? jump : { ...jump, oneIn }
    })
    return [...affinityRules, ...randomRules]
  }

  /**
   * The chain that translates packets to an endpoint. Packets of the endpoint to itself are masqueraded, so that replies come
   * back through the node.
   */
  buildChain(endpoint: Endpoint): readonly [name: string, rules: readonly Rule[]] {
    const { protocol, affinitySeconds } = this.#servicePort
    const name = this.#chainName(endpoint)
    const comment = this.#comment === undefined ? {} : { comment: this.#comment }
    const affinity = affinitySeconds === undefined ? {} : { recent: { list: name, action: 'set' } as const }
    return [
      name,
      [
        { ...comment, source: endpoint.ip, target: { kind: 'jump', chain: MARK_MASQ } },
        { ...comment, protocol, ...affinity, target: { kind: 'DNAT', address: endpoint.ip, port: endpoint.port } },
      ],
    ]
  }

  #chainName(endpoint: Endpoint): string {
    const key = endpointKey(endpoint)
    const name = this.#names.get(key) ?? endpointChainName(this.#servicePort, endpoint)
    this.#names.set(key, name)
    return name
  }
}

function affinityRule(jump: Rule & { readonly target: { readonly chain: string } }, seconds: number): Rule {
  return { ...jump, recent: { list: jump.target.chain, action: 'check', seconds } }
}
