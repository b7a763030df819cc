import { randomBytes } from 'node:crypto'
import { type Clock } from '../model/clock.js'
import { HAND_OVER_PREFIX } from '../netfilter/chain-names.js'
import { pause } from '../primitives/pause.js'
import { type Iptables } from '../system/iptables.js'

/**
 * How two processes show each other that they may write the rules of this node. Any process of the node can connect to the one that
 * serves, and any can take its name when it is free, but only root may take over, be waited for, or stand by.
 */
export interface HandOverProof {
  /** Shows it for a number that the other process has chosen. @throws ProxyFailure if this process may not write rules */
  show(nonce: string): Promise<ShownProof>
  /** The secret of the process that shows it for this number; undefined if none does. @throws ProxyFailure */
  read(nonce: string): Promise<string | undefined>
  /** Removes what killed processes have left. @throws ProxyFailure */
  removeLeftovers(): Promise<void>
}

/** A proof that is shown. */
export interface ShownProof {
  /** The other process can know it only if it may read rules, which needs the same rights. */
  readonly secret: string
  hide(): Promise<void>
}

/** A small table, so that reading it is quick. */
const TABLE = 'mangle'
/** Each read starts a program, and any process can ask for one. In milliseconds. */
const MIN_READ_INTERVAL_MS = 200
/** Both numbers together: the kernel allows 28 characters in the name of a chain. */
const NONCE_BYTES = 3
const SECRET_BYTES = 4

/** A number for `show`. */
export function createNonce(): string {
  return randomBytes(NONCE_BYTES).toString('hex')
}

/** A chain whose name has both numbers: only a process that may write rules can make it, or see it, in this network namespace. */
export class IptablesProof implements HandOverProof {
  readonly #iptables: Pick<Iptables, 'read' | 'restore'>
  readonly #clock: Clock
  #lastRead: Promise<unknown> = Promise.resolve()
  /** A read that has not begun: it will show each chain that exists now. */
  #nextRead: Promise<readonly string[]> | undefined
  #readAt = -Infinity

  constructor(iptables: Pick<Iptables, 'read' | 'restore'>, clock: Clock) {
    this.#iptables = iptables
    this.#clock = clock
  }

  async show(nonce: string): Promise<ShownProof> {
    const secret = randomBytes(SECRET_BYTES).toString('hex')
    const chain = `${HAND_OVER_PREFIX}${nonce}${secret}`
    await this.#iptables.restore(`*${TABLE}\n:${chain} - [0:0]\nCOMMIT\n`)
    return { secret, hide: () => this.#remove([chain]) }
  }

  async read(nonce: string): Promise<string | undefined> {
    const prefix = `${HAND_OVER_PREFIX}${nonce}`
    return (await this.#readChains()).find(name => name.startsWith(prefix))?.slice(prefix.length)
  }

  async removeLeftovers(): Promise<void> {
    const chains = await this.#readChains()
    if (chains.length > 0) await this.#remove(chains)
  }

  /** A chain that another process has removed meanwhile is made first, so that this never fails because of it. */
  #remove(chains: readonly string[]): Promise<void> {
    const lines = chains.map(chain => `:${chain} - [0:0]\n-X ${chain}\n`)
    return this.#iptables.restore(`*${TABLE}\n${lines.join('')}COMMIT\n`)
  }

  #readChains(): Promise<readonly string[]> {
    this.#nextRead ??= this.#readNext(this.#lastRead)
    return this.#nextRead
  }

  async #readNext(lastRead: Promise<unknown>): Promise<readonly string[]> {
    await lastRead.catch(() => undefined)
    const ms = this.#readAt + MIN_READ_INTERVAL_MS - this.#clock.now()
    await pause(this.#clock, ms, undefined, { keepsAlive: false })
    this.#lastRead = this.#nextRead!
    this.#nextRead = undefined
    this.#readAt = this.#clock.now()
    const table = (await this.#iptables.read([TABLE])).get(TABLE)
    return [...(table?.keys() ?? [])].filter(name => name.startsWith(HAND_OVER_PREFIX))
  }
}
