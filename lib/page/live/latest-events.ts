import { type PageEvent } from './page-event.js'

/** The page keeps so many events, and of a busy proxy so many things that happened to clients: each view goes through all of them. */
const MAX_EVENTS = 500
const MAX_HAPPENINGS = 20_000

/** The events to keep. The newest one always stays. @param all the latest first */
export function latestEvents(all: readonly PageEvent[]): readonly PageEvent[] {
  let happenings = 0
  const end = all.findIndex((event, index) => {
    happenings += event.kind === 'happenings' ? event.happened.items.length : 0
    return index >= MAX_EVENTS || (index > 0 && happenings > MAX_HAPPENINGS)
  })
  return end === -1 ? all : all.slice(0, end)
}
