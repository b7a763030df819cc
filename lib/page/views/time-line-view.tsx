import { type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { type HappeningView as Happening } from '../../status/happening-view.js'
import { type SyncView as Sync } from '../../status/sync-history.js'
import { type StatusDocument } from '../../status/status-document.js'
import { events } from '../live/event-stream.js'
import { isChange } from '../live/is-change.js'
import { type PageEvent } from '../live/page-event.js'
import { PERIOD_MS, CHANGES, useAnswer } from '../live/use-answer.js'
import { Answered } from '../parts/answered.js'
import { type Column, DataTable } from '../parts/data-table.js'
import { FilterBox } from '../parts/filter-box.js'
import { Mark, type MarkKind } from '../parts/mark.js'
import { portText } from '../parts/port-text.js'
import { proxyPlainText } from '../parts/proxy-text.js'
import { Time, timeText } from '../parts/time.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.timeLine

interface Entry {
  readonly key: string
  readonly at: Date
  readonly kind: MarkKind
  readonly what: string
  readonly details: readonly string[]
}

const COLUMNS: readonly Column<Entry>[] = [
  { title: WORDS.at, text: ({ at }) => timeText(at), cell: ({ at }) => <Time at={at} /> },
  { title: WORDS.what, text: ({ what }) => what, cell: ({ kind, what }) => <Mark kind={kind}>{what}</Mark> },
  {
    title: WORDS.details,
    text: ({ details }) => details.join(' '),
    cell: ({ details }) => details.map(line => <div key={line}>{line}</div>),
  },
]

/** What happened, the latest first. */
export function TimeLineView(): JSX.Element {
  const [filter, setFilter] = useState('')
  const syncs = useAnswer<StatusDocument<Sync>>('/v1/syncs', PERIOD_MS, CHANGES)
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <FilterBox value={filter} onChange={setFilter} />
      <Answered from={syncs}>
        {items => (
          <DataTable
            caption={WORDS.title}
            columns={COLUMNS}
            rows={entriesOf(items, events.value)}
            rowKey={({ key }) => key}
            filter={filter}
          />
        )}
      </Answered>
    </View>
  )
}

/** Syncs come from the list, which has those from before the page was opened too. */
function entriesOf(syncs: readonly Sync[], happened: readonly PageEvent[]): Entry[] {
  const entries = [...syncs.filter(isChange).map(syncEntry), ...happened.flatMap(knownEntries)]
  return entries.sort((a, b) => b.at.getTime() - a.at.getTime())
}

function writtenIn({ rules }: Sync): number {
  return rules.reduce((sum, { written }) => sum + written, 0)
}

function syncEntry(sync: Sync): Entry {
  const { id, at, family, outcome, extent, durationMs, changed, changedCount } = sync
  return {
    key: `sync ${id}`,
    at: new Date(at),
    kind: outcome === 'done' ? 'good' : 'bad',
    what: outcome === 'done' ? WORDS.sync : WORDS.syncFailed,
    details: [
      WORDS.syncDetails(family, extent, durationMs, writtenIn(sync)),
      ...(changedCount === 0 ? [] : [WORDS.changed(changed, changedCount)]),
    ],
  }
}

/** Those of an event are made once, however often the view is drawn. */
const KNOWN = new WeakMap<PageEvent, readonly Entry[]>()

function knownEntries(event: PageEvent): readonly Entry[] {
  const known = KNOWN.get(event) ?? eventEntries(event)
  KNOWN.set(event, known)
  return known
}

function eventEntries(event: PageEvent): Entry[] {
  const { id, at } = event
  switch (event.kind) {
    case 'sync':
      return []
    case 'happenings': {
      const { items, isSampled } = event.happened
      // Connections that open are in their own view.
      const groups = new Map<string, Happening[]>()
      for (const item of items.filter(({ what }) => what !== 'opened')) {
        const key = `${item.what} ${detailsOf(item)}`
        groups.set(key, [...(groups.get(key) ?? []), item])
      }
      const entries = [...groups.entries()].map(([key, group]) => happeningEntry(`event ${id} ${key}`, group))
      const [first, ...others] = entries
      if (first === undefined || !isSampled) return entries
      return [{ ...first, details: [...first.details, WORDS.sampled] }, ...others]
    }
    case 'problem':
      return [{ key: `event ${id}`, at, kind: 'bad', what: WORDS.problem, details: [proxyPlainText(event.message)] }]
  }
}

/** Things of one kind that have happened to one service port at about the same time. */
function happeningEntry(key: string, group: readonly Happening[]): Entry {
  const [first] = group as [Happening]
  const isGood = first.what === 'ended' && (first.end === 'closed' || first.end === 'flow-ended')
  return {
    ...{ key, at: new Date(first.at), what: WORDS.happened(first.what) },
    kind: isGood ? 'good' : first.what === 'refused' ? 'bad' : 'warning',
    details: [WORDS.times(group.length, detailsOf(first))],
  }
}

function detailsOf(item: Happening): string {
  const name = portText(item)
  if (item.what === 'ejected')
    return WORDS.ejected(item.endpoint ?? TEXTS.none, name, Math.ceil((item.forMs ?? 0) / 1000))
  if (item.what === 'ended') return WORDS.endedOf(name, TEXTS.connections.end(item.end))
  return WORDS.because(name, item.endpoint, proxyPlainText(item.why ?? ''))
}
