import { type FrontendView, type ServiceView } from '../../../lib/status/service-view.js'
import { type ServiceWalk } from '../../../lib/doctor/kernel-facts.js'
import type { makeFacts } from './make-facts.js'
import { makeEndpointView, makeServiceView, makeWalk } from './make-facts.js'

/** What differs from the facts of a healthy Service. */
export type CaseFacts = NonNullable<Parameters<typeof makeFacts>[0]>

/** More endpoints than a report lists. */
export const MANY = Array.from({ length: 9 }, (_, index) => makeEndpointView(`10.244.0.${index + 2}:8080`))

/** One packet. */
export const walk = (one: Partial<ServiceWalk>, more: CaseFacts = {}): CaseFacts => ({
  ...more,
  kernel: { walks: [makeWalk(one)], ...more.kernel },
})

/** An address of a Service. */
export const frontend = (more: Partial<FrontendView> = {}): FrontendView => ({
  ...makeServiceView().frontends[0]!,
  ...more,
})

/** A Service with one port. */
export const onPort = (more: Partial<ServiceView>, facts: CaseFacts = {}): CaseFacts => ({
  ports: [makeServiceView(more)],
  ...facts,
})
