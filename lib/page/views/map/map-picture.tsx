import { type JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { type HappeningView } from '../../../status/happening-view.js'
import { TEXTS } from '../../texts.js'
import { ipOf } from '../packet/ip-of.js'
import { FittedText } from './fitted-text.js'
import { type MapBox, type Point, boxesInLevel, mapLayout } from './map-layout.js'
import { type Pair } from './map-traffic.js'
import { MovingMarks } from './moving-marks.js'
import { useMarks } from './use-marks.js'

const WORDS = TEXTS.map

/** The text of a box: a title, and lines below. */
export interface BoxText {
  readonly title: string
  readonly lines: readonly string[]
}

/** Between the texts of a box and its sides. */
const PADDING = 4
const LINE_HEIGHT = 17

/** A Service with its clients and Pods as a picture, on which connections move. */
export function MapPicture({
  name,
  middle,
  clients,
  pods,
  pairs,
}: {
  readonly name: string
  /** The Service, and who carries its connections. */
  readonly middle: readonly BoxText[]
  readonly clients: readonly string[]
  readonly pods: readonly BoxText[]
  readonly pairs: readonly Pair[]
}): JSX.Element {
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  const most = boxesInLevel(width)
  const shownClients = shorten(
    clients.map(title => ({ title, lines: [] })),
    most,
    WORDS.noClient,
  )
  const shownPods = shorten(pods, most, WORDS.noPod)
  const levels = [shownClients, ...middle.map(each => [each]), shownPods]
  const layout = mapLayout(
    levels.map(({ length }) => length),
    width,
  )
  const boxOf = (level: number, title: string): MapBox => {
    const boxes = layout.levels[level]!
    const index = levels[level]!.findIndex(each => each.title === title)
    return boxes[index] ?? boxes.at(-1)!
  }
  const centre = layout.levels.slice(1, -1).map(([box]) => box!)
  const wayOf = ({ client, endpoint, what }: HappeningView): readonly Point[] => [
    boxOf(0, ipOf(client ?? '')),
    ...centre,
    ...(what === 'refused' || endpoint === null ? [] : [boxOf(levels.length - 1, endpoint)]),
  ]
  const { marks, onEnd, sample } = useMarks(name, wayOf)
  const bytesOf = (of: (pair: Pair) => boolean): number => pairs.filter(of).reduce((sum, { bytes }) => sum + bytes, 0)
  return (
    <div class="map" ref={frame}>
      <svg width={layout.width} height={layout.height} role="img" aria-label={WORDS.picture(name)}>
        {shownClients.map(({ title }) => (
          <Line key={title} way={[boxOf(0, title), ...centre]} bytes={bytesOf(({ client }) => client === title)} />
        ))}
        {shownPods.map(({ title }) => (
          <Line
            key={title}
            way={[centre.at(-1)!, boxOf(levels.length - 1, title)]}
            bytes={bytesOf(({ pod }) => pod === title)}
          />
        ))}
        <MovingMarks marks={marks} onEnd={onEnd} />
        {levels.map((texts, level) =>
          texts.map((text, index) => (
            <Box
              key={`${level} ${text.title}`}
              box={layout.levels[level]![index]!}
              text={text}
              isService={level === 1}
            />
          )),
        )}
      </svg>
      {sample !== undefined && <p class="count">{WORDS.sampled(sample.shown, sample.all)}</p>}
    </div>
  )
}

function Line({ way, bytes }: { readonly way: readonly Point[]; readonly bytes: number }): JSX.Element {
  const points = way.map(({ x, y }) => `${x},${y}`).join(' ')
  return <polyline class="line" points={points} stroke-width={1 + Math.min(9, Math.log10(1 + bytes))} />
}

function Box({
  box: { x, y, width, height },
  text: { title, lines },
  isService,
}: {
  readonly box: MapBox
  readonly text: BoxText
  readonly isService: boolean
}): JSX.Element {
  return (
    <svg class={isService ? 'box service' : 'box'} x={x - width / 2} y={y - height / 2} width={width} height={height}>
      <rect x="1" y="1" width={width - 2} height={height - 2} rx="8" />
      {[title, ...lines].map((text, index, { length }) => (
        <FittedText
          key={text}
          text={text}
          width={width - 2 * PADDING}
          class={index === 0 ? 'code' : 'small'}
          x={width / 2}
          y={height / 2 + 4 + (index - (length - 1) / 2) * LINE_HEIGHT}
        />
      ))}
    </svg>
  )
}

/** The first boxes of a level, and one for all others. */
function shorten(all: readonly BoxText[], most: number, none: string): readonly BoxText[] {
  if (all.length === 0) return [{ title: none, lines: [] }]
  if (all.length <= most) return all
  return [...all.slice(0, most - 1), { title: WORDS.more(all.length - most + 1), lines: [] }]
}

function useWidth(frame: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(960)
  useLayoutEffect(() => {
    const measure = (): void => setWidth(frame.current!.clientWidth)
    const observer = new ResizeObserver(measure)
    observer.observe(frame.current!)
    measure()
    return () => observer.disconnect()
  }, [])
  return width
}
