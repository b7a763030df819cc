import { type HappeningsEvent } from '../../status/live-events.js'
import { type SyncView } from '../../status/sync-history.js'

/** Something that happened while the page was visible. */
export type PageEvent = { readonly id: number; readonly at: Date } & (
  | { readonly kind: 'sync'; readonly sync: SyncView }
  | { readonly kind: 'happenings'; readonly happened: HappeningsEvent }
  | { readonly kind: 'problem'; readonly message: string }
)
