import { type JSX } from 'preact'
import { useId, useRef, useState } from 'preact/hooks'
import { type ConnectionView } from '../../status/connection-view.js'
import { type EndpointView } from '../../status/endpoint-view.js'
import { type ServiceView } from '../../status/service-view.js'
import { type StatusDocument } from '../../status/status-document.js'
import { events } from '../live/event-stream.js'
import { useAnswer } from '../live/use-answer.js'
import { Answered } from '../parts/answered.js'
import { type Column, DataTable } from '../parts/data-table.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'
import { MapPicture } from './map/map-picture.js'
import { addressDestination } from './packet/packet-path.js'
import { type Pair, MapTraffic } from './map/map-traffic.js'
import { MARK_SHAPES } from './map/moving-marks.js'

const WORDS = TEXTS.map
/** The list of Services is to choose from. In milliseconds. */
const PERIOD_MS = 30_000

const COLUMNS: readonly Column<Pair>[] = [
  { title: TEXTS.connections.client, text: ({ client }) => client, isCode: true },
  { title: TEXTS.connections.endpoint, text: ({ pod }) => (pod === '' ? TEXTS.none : pod), isCode: true },
  { title: TEXTS.service.open, text: ({ open }) => TEXTS.number(open), isNumber: true },
  { title: WORDS.connections, text: ({ opened }) => TEXTS.number(opened), isNumber: true },
  { title: WORDS.failed, text: ({ failed }) => TEXTS.number(failed), isNumber: true },
  { title: WORDS.bytes, text: ({ bytes }) => TEXTS.number(bytes), isNumber: true },
]

/** Clients, a Service, who carries the connections, and Pods. @param isInKernel whether the proxy sees no connections */
export function MapView({ isInKernel }: { readonly isInKernel: boolean }): JSX.Element {
  const [chosen, choose] = useState('')
  const id = useId()
  const traffic = useTraffic()
  const services = useAnswer<StatusDocument<ServiceView>>('/v1/services', PERIOD_MS)
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <label class="field chooser">
        {WORDS.service}
        <input
          list={id}
          value={chosen}
          placeholder={WORDS.busiest}
          autocomplete="off"
          spellcheck={false}
          onInput={event => choose(event.currentTarget.value.trim())}
        />
      </label>
      <Answered from={services}>
        {ports => {
          const names = [...new Set(ports.map(({ namespace, name }) => `${namespace}/${name}`))]
          const busy = ports.find(({ endpoints }) => endpoints.cluster + endpoints.local > 0)
          const usual = traffic.busiest ?? (busy === undefined ? names[0] : `${busy.namespace}/${busy.name}`)
          const name = chosen === '' ? usual : names.find(each => each === chosen)
          return (
            <>
              <datalist id={id}>
                {names.map(each => (
                  <option key={each} value={each} />
                ))}
              </datalist>
              {name === undefined ? (
                <p class="message">{WORDS.noService}</p>
              ) : (
                <ServiceMap
                  key={name}
                  name={name}
                  ports={ports.filter(each => `${each.namespace}/${each.name}` === name)}
                  traffic={traffic}
                  isInKernel={isInKernel}
                />
              )}
            </>
          )
        }}
      </Answered>
    </View>
  )
}

function ServiceMap({
  name,
  ports,
  traffic,
  isInKernel,
}: {
  readonly name: string
  readonly ports: readonly ServiceView[]
  readonly traffic: MapTraffic
  readonly isInKernel: boolean
}): JSX.Element {
  const [namespace = '', service = ''] = name.split('/')
  const query = new URLSearchParams({ namespace, service }).toString()
  const endpoints = useAnswer<StatusDocument<EndpointView>>(`/v1/endpoints?${query}`)
  const open = useAnswer<StatusDocument<ConnectionView>>(`/v1/connections?${query}&limit=2000`)
  const pairs = traffic.pairs(name, open.answer?.items ?? [])
  const addresses = [...new Set(ports.map(({ clusterIP, port }) => addressDestination(clusterIP, port, 'TCP')))].slice(
    0,
    1,
  )
  const pods = new Map((endpoints.answer?.items ?? []).map(each => [each.address, stateOf(each)]))
  return (
    <>
      <p class="shown" role="status">
        {WORDS.shown(name)}
      </p>
      {isInKernel && <p class="message">{WORDS.inKernel}</p>}
      <MapPicture
        name={name}
        middle={[
          { title: name, lines: [addresses.join(', '), WORDS.noInterface] },
          isInKernel
            ? { title: WORDS.kernel, lines: [WORDS.translates] }
            : { title: WORDS.proxy, lines: [WORDS.copies] },
        ]}
        clients={[...new Set(pairs.map(({ client }) => client))]}
        pods={[...pods].map(([title, state]) => ({ title, lines: [state] }))}
        pairs={pairs}
      />
      <Legend />
      <h3>{WORDS.table}</h3>
      <DataTable
        caption={WORDS.table}
        columns={COLUMNS}
        rows={pairs}
        rowKey={({ client, pod }) => `${client} ${pod}`}
        filter=""
      />
    </>
  )
}

function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-label={WORDS.legend}>
      {(['opened', 'retried', 'refused'] as const).map(kind => (
        <li key={kind}>
          <svg width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">
            <path class={`moving ${kind}`} d={MARK_SHAPES[kind]} />
          </svg>{' '}
          {WORDS[kind]}
        </li>
      ))}
      <li>{WORDS.width}</li>
    </ul>
  )
}

function stateOf({ isUsed, ejected }: EndpointView): string {
  if (ejected.length > 0) return `▲ ${TEXTS.service.ejected}`
  return isUsed ? `● ${TEXTS.service.in}` : `✕ ${TEXTS.service.out}`
}

/** Counts the events that the page has, and each that comes. */
function useTraffic(): MapTraffic {
  const state = useRef({ traffic: new MapTraffic(), lastId: 0 })
  const fresh = events.value.filter(({ id }) => id > state.current.lastId)
  for (const event of fresh)
    if (event.kind === 'happenings') for (const item of event.happened.items) state.current.traffic.add(item)
  state.current.lastId = Math.max(state.current.lastId, ...fresh.map(({ id }) => id))
  return state.current.traffic
}
