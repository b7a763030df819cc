import { type JSX } from 'preact'
import { useId, useRef, useState } from 'preact/hooks'
import { type ConnectionView } from '../../status/connection-view.js'
import { type EndpointView } from '../../status/endpoint-view.js'
import { type HappeningsEvent } from '../../status/live-events.js'
import { type ServiceView } from '../../status/service-view.js'
import { type StatusDocument } from '../../status/status-document.js'
import { events } from '../live/event-stream.js'
import { type PageEvent } from '../live/page-event.js'
import { SELDOM_MS, CHANGES, useAnswer } from '../live/use-answer.js'
import { Answered } from '../parts/answered.js'
import { type Column, DataTable } from '../parts/data-table.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'
import { MapPicture } from './map/map-picture.js'
import { addressDestination } from './packet/packet-path.js'
import { type Pair, MapTraffic } from './map/map-traffic.js'
import { MARK_SHAPES } from './map/moving-marks.js'

const WORDS = TEXTS.map
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
  const services = useAnswer<StatusDocument<ServiceView>>('/v1/services', SELDOM_MS, CHANGES)
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
  const addresses = [...new Set(ports.map(each => addressDestination(each.clusterIP, each.port, each.protocol)))]
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
          { title: name, lines: [addressLine(addresses), WORDS.noInterface] },
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
      {traffic.isSampled && <p class="message">{TEXTS.timeLine.sampled}</p>}
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

function addressLine([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} ${WORDS.more(others.length)}`
}

function stateOf({ isUsed, ejected }: EndpointView): string {
  if (ejected.length > 0) return `▲ ${TEXTS.service.ejected}`
  return isUsed ? `● ${TEXTS.service.in}` : `✕ ${TEXTS.service.out}`
}

/** Counts what happens from now on. */
function useTraffic(): MapTraffic {
  const state = useRef<{ readonly traffic: MapTraffic; lastId: number }>()
  state.current ??= { traffic: new MapTraffic(happeningsOf(events.value)), lastId: events.value[0]?.id ?? 0 }
  const { traffic, lastId } = state.current
  const fresh = events.value.filter(({ id }) => id > lastId)
  for (const happened of happeningsOf(fresh.toReversed())) traffic.add(happened)
  state.current.lastId = fresh[0]?.id ?? lastId
  return traffic
}

function happeningsOf(all: readonly PageEvent[]): HappeningsEvent[] {
  return all.flatMap(event => (event.kind === 'happenings' ? event.happened : []))
}
