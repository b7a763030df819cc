import { isFailure } from '../../dataplane/wanted-happening.js'
import { type EndKind } from '../../dataplane/inspect-request.js'
import { type HappeningView } from '../../status/happening-view.js'
import { type TableCell } from '../../terminal/text-table.js'
import { byteText } from '../status/byte-text.js'
import { durationText } from '../status/duration-text.js'
import { type Column } from '../status/status-kinds.js'

/** A column of the trace. */
export interface TraceColumn extends Column<HappeningView> {
  /** The least width, on a narrow terminal and elsewhere. */
  readonly widths: readonly [narrow: number, usual: number]
}

/** Each has a mark of its own: colour says the same. */
const LOOKS: Readonly<Record<HappeningView['what'], { readonly mark: string; readonly colour: TableCell['colour'] }>> =
  {
    opened: { mark: '+', colour: 'good' },
    retried: { mark: '~', colour: 'warning' },
    refused: { mark: 'x', colour: 'bad' },
    ended: { mark: '-', colour: 'quiet' },
    ejected: { mark: '!', colour: 'bad' },
  }
/** Who ended a connection. */
const ENDS: Readonly<Record<EndKind, string>> = {
  closed: 'closed',
  'reset-by-client': 'reset by client',
  'reset-by-endpoint': 'reset by endpoint',
  'ended-by-proxy': 'ended by proxy',
  refused: 'refused',
  'client-left': 'client left',
  'flow-ended': 'flow ended',
}
const NONE: TableCell = { text: '-', colour: 'quiet' }

/**
 * The columns of the trace. The last one has what matters most first: it is cut where the line ends.
 * @param isNarrow whether a line has room for few characters
 */
export function traceColumns(isWide: boolean, showsNamespace: boolean, isNarrow: boolean): readonly TraceColumn[] {
  return [
    isWide
      ? { title: 'TIME', widths: [24, 24], cell: ({ at }) => at }
      : { title: 'TIME', widths: [8, 12], cell: ({ at }) => timeText(at).slice(0, isNarrow ? 8 : 12) },
    { title: 'WHAT', widths: [9, 9], cell: whatCell },
    ...(showsNamespace ? [NAMESPACE] : []),
    { title: 'CLIENT', widths: [17, 21], cell: ({ client }) => client ?? NONE },
    { title: 'SERVICE', widths: [8, 12], cell: serviceText },
    { title: 'ENDPOINT', widths: [15, 19], cell: ({ endpoint }) => endpoint ?? NONE },
    ...(isWide ? WIDE : []),
    { title: 'HOW', widths: [0, 0], cell: howCell },
  ]
}

const NAMESPACE: TraceColumn = { title: 'NAMESPACE', widths: [9, 11], cell: ({ namespace }) => namespace }
const WIDE: readonly TraceColumn[] = [
  { title: 'TRIES', widths: [5, 5], cell: ({ tries }) => (tries === 0 ? NONE : tries) },
  { title: 'PROCESS', widths: [7, 7], cell: ({ pid }) => pid },
  { title: 'ID', widths: [5, 5], cell: ({ id }) => id ?? NONE },
]

/** Hours, minutes, seconds and milliseconds, where this program runs. */
function timeText(at: string): string {
  const time = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  const seconds = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  return `${seconds}.${String(time.getMilliseconds()).padStart(3, '0')}`
}

function whatCell(view: HappeningView): TableCell {
  const { mark, colour } = LOOKS[view.what]
  const isBroken = view.what === 'ended' && isFailure(view)
  return isBroken ? { text: `x ${view.what}`, colour: 'bad' } : { text: `${mark} ${view.what}`, colour }
}

function serviceText({ service, portName, protocol }: HappeningView): string {
  return `${service}${portName === '' ? '' : `:${portName}`}${protocol === 'TCP' ? '' : `/${protocol}`}`
}

function howCell(view: HappeningView): TableCell {
  const { colour } = LOOKS[view.what]
  return { text: howText(view), colour: view.what !== 'ended' ? colour : isFailure(view) ? 'bad' : undefined }
}

function howText(view: HappeningView): string {
  const { what, tries, why, nextEndpoint, forMs } = view
  const because = why === null ? '' : ` (${why})`
  switch (what) {
    case 'opened':
      return tries > 1 ? `after ${tries} tries` : ''
    case 'retried':
      return `next ${nextEndpoint}${because}`
    case 'refused':
      return `${why ?? 'no endpoint took it'}${tries > 1 ? `, after ${tries} tries` : ''}`
    case 'ejected':
      return `for ${durationText(forMs ?? 0)}${because}`
    case 'ended':
      return [endText(view), ...bytesText(view), ...(tries > 1 ? [`${tries} tries`] : [])].join(', ')
  }
}

function endText({ end, at, openedAt }: HappeningView): string {
  const how = end === null ? 'ended' : ENDS[end]
  return openedAt === null ? how : `${how} after ${durationText(Date.parse(at) - Date.parse(openedAt))}`
}

function bytesText({ bytesToEndpoint, bytesToClient }: HappeningView): string[] {
  if (bytesToEndpoint === null || bytesToClient === null) return []
  return [`${byteText(bytesToEndpoint)} sent`, `${byteText(bytesToClient)} received`]
}
