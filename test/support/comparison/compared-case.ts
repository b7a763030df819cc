import { type KernelRules } from '../kernel-rules.js'
import { type Packet } from '../trace-packet.js'
import { answerOfRules, listsOfRules } from './answer-of-rules.js'
import { COMPARED_CLIENTS, type ComparedClient, packetOf } from './compared-clients.js'
import { type AddressKind, type ComparedAddress, type ComparedService } from './compared-service.js'
import { COMPARED_SERVICES } from './compared-services.js'
import { type RulesOfBoth } from './rules-of-both.js'

/** Around each time-out of session affinity that a Service here has: how long ago a client was seen, in seconds. */
const SECONDS_AGO = [99, 101, 10_799, 10_801]

/** At these the original asks whether they are addresses of the node. */
const OUTSIDE: readonly AddressKind[] = ['external IP', 'load-balancer IP']

/** One client that asks one address of one Service, and what becomes of it by the rules of both proxies. */
export class ComparedCase {
  readonly service: ComparedService
  readonly address: ComparedAddress
  readonly client: ComparedClient
  readonly #remembered: Packet['remembered']
  readonly #rules: RulesOfBoth

  private constructor(
    service: ComparedService,
    address: ComparedAddress,
    client: ComparedClient,
    remembered: Packet['remembered'],
    rules: RulesOfBoth,
  ) {
    this.service = service
    this.address = address
    this.client = client
    this.#remembered = remembered
    this.#rules = rules
  }

  /** Every client at every address of a Service; with session affinity also clients that were at an endpoint before. */
  static allOf(service: ComparedService, rules: RulesOfBoth): ComparedCase[] {
    return service.addresses.flatMap(address =>
      COMPARED_CLIENTS.flatMap(client => {
        const packet = packetOf(client, address)
        if (packet === undefined) return []
        const before = service.hasAffinity ? clientsSeenBefore(packet, rules) : []
        return [undefined, ...before].map(remembered => new ComparedCase(service, address, client, remembered, rules))
      }),
    )
  }

  get original(): string {
    return answerOfRules(this.#rules.original, this.#packet(this.address))
  }

  get ours(): string {
    return answerOfRules(this.#rules.ours, this.#packet(this.address))
  }

  /** What the original does where an external or load-balancer IP is an address of the node. */
  get originalAtNode(): string {
    return answerOfRules(this.#rules.original, atNode(this.#packet(this.address)))
  }

  /** As `originalAtNode`, at the same kind of address of another Service, by its name. */
  originalOf(name: string): string {
    const { kind, protocol } = this.address
    const service = COMPARED_SERVICES.find(service => service.name === name)
    const address = service?.addresses.find(other => other.kind === kind && other.protocol === protocol)
    if (address === undefined) throw new Error(`no Service "${name}" with ${kind}, ${protocol}`)
    const packet = this.#packet(address)
    return answerOfRules(this.#rules.original, OUTSIDE.includes(kind) ? atNode(packet) : packet)
  }

  toString(): string {
    const { kind, ip, port, protocol } = this.address
    const before = this.#remembered === undefined ? '' : `, seen ${JSON.stringify(this.#remembered)}`
    return `${this.client} asks ${kind} ${ip}:${port}/${protocol}${before}`
  }

  #packet(address: ComparedAddress): Packet {
    const packet = packetOf(this.client, address)!
    return this.#remembered === undefined ? packet : { ...packet, remembered: this.#remembered }
  }
}

function atNode(packet: Packet): Packet {
  return { ...packet, local: [...packet.local!, packet.destination] }
}

function clientsSeenBefore(packet: Packet, { original, ours }: RulesOfBoth): NonNullable<Packet['remembered']>[] {
  const listsOf = (rules: KernelRules) => listsOfRules(rules, packet)
  const lists = new Set([...listsOf(original), ...listsOf(ours)])
  return [...lists].flatMap(list => SECONDS_AGO.map(secondsAgo => ({ list, secondsAgo })))
}
