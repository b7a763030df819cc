import { type MemoryTables } from '../kernel/memory-tables.js'
import { type Packet } from '../kernel/trace-packet.js'
import { ruleOutcome, recentLists } from './rule-outcome.js'
import { COMPARED_CLIENTS, type ComparedClient, firstPacket } from './compared-clients.js'
import { type AddressKind, type ComparedAddress, type ComparedService } from './compared-service.js'
import { COMPARED_SERVICES } from './compared-services.js'
import { type ProxyRules } from './collect-rules.js'

/** Seconds since the last packet of a client: just before and after each session affinity timeout of the Services. */
const IDLE_SECONDS = [99, 101, 10_799, 10_801]

/** At these addresses the original checks whether they belong to the node. */
const EXTERNAL_KINDS: readonly AddressKind[] = ['external IP', 'load-balancer IP']

/** One client that connects to one address of one Service, and the outcome by the rules of both proxies. */
export class ComparedCase {
  readonly service: ComparedService
  readonly address: ComparedAddress
  readonly client: ComparedClient
  readonly #recent: Packet['recent']
  readonly #rules: ProxyRules

  private constructor(
    service: ComparedService,
    address: ComparedAddress,
    client: ComparedClient,
    remembered: Packet['recent'],
    rules: ProxyRules,
  ) {
    this.service = service
    this.address = address
    this.client = client
    this.#recent = remembered
    this.#rules = rules
  }

  /** Every client at every address of a Service; with session affinity also clients with an earlier connection to an endpoint. */
  static listCases(service: ComparedService, rules: ProxyRules): ComparedCase[] {
    return service.addresses.flatMap(address =>
      COMPARED_CLIENTS.flatMap(client => {
        const packet = firstPacket(client, address)
        if (packet === undefined) return []
        const before = service.hasAffinity ? recentClients(packet, rules) : []
        return [undefined, ...before].map(remembered => new ComparedCase(service, address, client, remembered, rules))
      }),
    )
  }

  get original(): string {
    return ruleOutcome(this.#rules.original, this.#packet(this.address))
  }

  get ours(): string {
    return ruleOutcome(this.#rules.ours, this.#packet(this.address))
  }

  /** The outcome of the original when an external or load-balancer IP is an address of the node. */
  get originalAtNode(): string {
    return ruleOutcome(this.#rules.original, withNodeAddress(this.#packet(this.address)))
  }

  /** Like `originalAtNode`, at the same kind of address of another Service, by its name. */
  originalForService(name: string): string {
    const { kind, protocol } = this.address
    const service = COMPARED_SERVICES.find(service => service.name === name)
    const address = service?.addresses.find(other => other.kind === kind && other.protocol === protocol)
    if (address === undefined) throw new Error(`no Service "${name}" with ${kind}, ${protocol}`)
    const packet = this.#packet(address)
    return ruleOutcome(this.#rules.original, EXTERNAL_KINDS.includes(kind) ? withNodeAddress(packet) : packet)
  }

  toString(): string {
    const { kind, ip, port, protocol } = this.address
    const before = this.#recent === undefined ? '' : `, seen ${JSON.stringify(this.#recent)}`
    return `${this.client} asks ${kind} ${ip}:${port}/${protocol}${before}`
  }

  #packet(address: ComparedAddress): Packet {
    const packet = firstPacket(this.client, address)!
    return this.#recent === undefined ? packet : { ...packet, recent: this.#recent }
  }
}

function withNodeAddress(packet: Packet): Packet {
  return { ...packet, localAddresses: [...packet.localAddresses!, packet.destination] }
}

function recentClients(packet: Packet, { original, ours }: ProxyRules): NonNullable<Packet['recent']>[] {
  const listsOf = (rules: MemoryTables) => recentLists(rules, packet)
  const lists = new Set([...listsOf(original), ...listsOf(ours)])
  return [...lists].flatMap(list => IDLE_SECONDS.map(secondsAgo => ({ list, secondsAgo })))
}
