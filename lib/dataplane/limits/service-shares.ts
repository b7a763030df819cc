import { Counted } from '../../primitives/count-ranking.js'

/** What has ended: the place of a client that waited, or something that was open. */
export type GivenUp = 'place' | 'open'

/** What uses descriptors, and can end some of it for others: the connections or the flows of one Service. */
export interface DescriptorUser {
  /** Ends what is worth least, if anything may end. @param now milliseconds of the data plane's clock */
  giveUpOne(now: number): GivenUp | undefined
  /** Ends something of a client that has far more than this one. */
  giveUpOneFor(client: string, now: number): GivenUp | undefined
  /** Looks again which connections are idle. */
  noteIdle(now: number): void
}

/** How many descriptors a Service uses, for TCP or for UDP. */
export class DescriptorShare extends Counted {
  readonly user: DescriptorUser

  constructor(user: DescriptorUser) {
    super()
    this.user = user
  }
}

/** Of every Service with listeners of one protocol: what it uses. All listeners of a Service share, also those that are closed. */
export class ServiceShares<Share extends { readonly descriptors: DescriptorShare }> {
  readonly #create: () => Share
  readonly #byService = new Map<string, Share>()

  constructor(create: () => Share) {
    this.#create = create
  }

  /** The share of a Service: `namespace/name`. */
  of(service: string): Share {
    let share = this.#byService.get(service)
    if (share === undefined) this.#byService.set(service, (share = this.#create()))
    return share
  }

  /** The Service of a share. */
  serviceOf(descriptors: DescriptorShare): string | undefined {
    for (const [service, share] of this.#byService) if (share.descriptors === descriptors) return service
    return undefined
  }

  /** Forgets Services without listeners that use nothing any more. */
  retain(services: ReadonlySet<string>): void {
    for (const [service, { descriptors }] of this.#byService)
      if (descriptors.count === 0 && !services.has(service)) this.#byService.delete(service)
  }

  [Symbol.iterator](): Iterator<Share> {
    return this.#byService.values()
  }
}
