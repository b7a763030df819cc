import { Counted } from '../../primitives/count-ranking.js'

/** What uses descriptors, and can end some of it for others: the connections or the flows of one Service. */
export interface DescriptorUser {
  /** Ends what is worth least, if anything may end. @param now milliseconds of the data plane's clock */
  giveUpOne(now: number): boolean
  /** Ends something of a client that has far more than this one. */
  giveUpOneFor(client: string, now: number): boolean
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
