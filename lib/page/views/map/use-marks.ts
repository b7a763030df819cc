import { useEffect, useRef, useState } from 'preact/hooks'
import { type HappeningView } from '../../../status/happening-view.js'
import { events } from '../../live/event-stream.js'
import { type Point } from './map-layout.js'
import { type MovingMark } from './moving-marks.js'

/** Marks of one event; more would hide each other, and cost the browser much. */
const MAX_NEW = 40
/** Events arrive once a second: their marks start one after the other until the next. In milliseconds. */
const SPREAD_MS = 1000

/** Marks for what happens to a Service from now on. Readers who want no motion get none. */
export function useMarks(
  service: string,
  wayOf: (happening: HappeningView) => readonly Point[],
): {
  readonly marks: readonly MovingMark[]
  readonly onEnd: (key: string) => void
  /** Undefined: every connection of the last event has a mark. */
  readonly sample: { readonly shown: number; readonly all: number } | undefined
} {
  const [marks, setMarks] = useState<readonly MovingMark[]>([])
  const [sample, setSample] = useState<{ readonly shown: number; readonly all: number }>()
  const latest = events.value[0]
  const lastId = useRef(latest?.id)
  useEffect(() => {
    if (latest === undefined || latest.id === lastId.current) return
    lastId.current = latest.id
    if (latest.kind !== 'happenings' || matchMedia('(prefers-reduced-motion: reduce)').matches) return
    const items = latest.happened.items.filter(item => `${item.namespace}/${item.service}` === service)
    const moving = items.filter(({ what }) => kindOf(what) !== undefined)
    const step = Math.max(1, moving.length / MAX_NEW)
    const chosen = Array.from({ length: Math.min(MAX_NEW, moving.length) }, (_, i) => moving[Math.floor(i * step)]!)
    const added = chosen.map((item, index) => ({
      key: `${latest.id} ${index}`,
      kind: kindOf(item.what)!,
      way: wayOf(item),
      delayMs: (index * SPREAD_MS) / chosen.length,
    }))
    setMarks(before => [...before.slice(-2 * MAX_NEW), ...added])
    setSample(moving.length > MAX_NEW ? { shown: MAX_NEW, all: moving.length } : undefined)
  }, [latest])
  return { marks, onEnd: key => setMarks(before => before.filter(each => each.key !== key)), sample }
}

function kindOf(what: HappeningView['what']): MovingMark['kind'] | undefined {
  return what === 'opened' || what === 'retried' || what === 'refused' ? what : undefined
}
