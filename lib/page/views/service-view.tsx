import { type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { type EndpointView as Endpoint } from '../../status/endpoint-view.js'
import { type FrontendView as Frontend, type ServiceView as Port } from '../../status/service-view.js'
import { type StatusDocument } from '../../status/status-document.js'
import { PERIOD_MS, CHANGES, useAnswer } from '../live/use-answer.js'
import { Answered } from '../parts/answered.js'
import { type Column, DataTable } from '../parts/data-table.js'
import { FilterBox } from '../parts/filter-box.js'
import { Mark } from '../parts/mark.js'
import { proxyPlainText } from '../parts/proxy-text.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'
import { addressDestination, packetPath } from './packet/packet-path.js'

const WORDS = TEXTS.service

type Action = keyof NonNullable<Frontend['actions']>

function actionColumn(title: string, from: Action): Column<Address> {
  return {
    title,
    text: ({ actions, why }) => (actions === null ? proxyPlainText(why ?? '') : WORDS.action(actions[from])),
  }
}

/** An address of a Service, with what distinguishes it: TCP and UDP have the same one, and both families the same node port. */
type Address = Frontend & Pick<Port, 'portName' | 'protocol' | 'family'>

const ADDRESS_COLUMNS: readonly Column<Address>[] = [
  { title: WORDS.address, text: addressOf, isCode: true },
  { title: WORDS.port, text: ({ portName, protocol }) => (portName === '' ? protocol : `${portName} ${protocol}`) },
  { title: WORDS.family, text: ({ family }) => family },
  { title: WORDS.kind, text: ({ kind }) => WORDS.kindOf(kind) },
  {
    title: WORDS.served,
    text: ({ isServed }) => (isServed ? TEXTS.yes : TEXTS.no),
    cell: ({ isServed }) => <Mark kind={isServed ? 'good' : 'warning'}>{isServed ? TEXTS.yes : TEXTS.no}</Mark>,
  },
  actionColumn(WORDS.fromPods, 'fromPods'),
  actionColumn(WORDS.fromNode, 'fromNode'),
  actionColumn(WORDS.fromOutside, 'fromExternal'),
  {
    title: TEXTS.packet.column,
    text: () => '',
    cell: each =>
      each.address === null ? (
        ''
      ) : (
        <Link
          href={packetPath('node', addressDestination(each.address, each.port, each.protocol))}
          aria-label={TEXTS.packet.followTo(addressOf(each))}
        >
          {TEXTS.packet.link}
        </Link>
      ),
  },
]

const ENDPOINT_COLUMNS: readonly Column<Endpoint>[] = [
  { title: WORDS.endpoint, text: ({ address }) => address, isCode: true },
  { title: WORDS.port, text: ({ portName, protocol }) => (portName === '' ? protocol : `${portName} ${protocol}`) },
  {
    title: WORDS.state,
    text: stateOf,
    cell: endpoint => (
      <Mark kind={endpoint.ejected.length > 0 ? 'warning' : endpoint.isUsed ? 'good' : 'bad'}>{stateOf(endpoint)}</Mark>
    ),
  },
  {
    title: WORDS.reason,
    text: endpoint => reasonsOf(endpoint).join(' '),
    cell: endpoint => reasonsOf(endpoint).map(reason => <div key={reason}>{reason}</div>),
  },
  { title: WORDS.open, text: ({ open }) => (open === null ? TEXTS.none : TEXTS.number(open)), isNumber: true },
  { title: WORDS.slice, text: ({ slice }) => slice },
]

/** One Service: its addresses, and why each endpoint is in or out. */
export function ServiceView({ namespace, name }: { readonly namespace: string; readonly name: string }): JSX.Element {
  const [filter, setFilter] = useState('')
  const query = new URLSearchParams({ namespace, service: name }).toString()
  const ports = useAnswer<StatusDocument<Port>>(`/v1/services?${query}`, PERIOD_MS, CHANGES)
  const endpoints = useAnswer<StatusDocument<Endpoint>>(`/v1/endpoints?${query}`)
  return (
    <View title={WORDS.title(namespace, name)} about={WORDS.about}>
      <p>
        <Link href="/services">← {WORDS.all}</Link>
      </p>
      <FilterBox value={filter} onChange={setFilter} />
      <h3>{WORDS.why}</h3>
      <p class="about">
        {WORDS.whyAbout} <Balancers ports={ports.answer?.items ?? []} />
      </p>
      <Answered from={endpoints}>
        {items => (
          <DataTable
            caption={WORDS.why}
            columns={ENDPOINT_COLUMNS}
            rows={items}
            rowKey={({ family, portName, protocol, slice, address }) =>
              `${family} ${portName} ${protocol} ${slice} ${address}`
            }
            filter={filter}
          />
        )}
      </Answered>
      <h3>{WORDS.addresses}</h3>
      <Answered from={ports}>
        {items => (
          <DataTable
            caption={WORDS.addresses}
            columns={ADDRESS_COLUMNS}
            rows={items.flatMap(addressesOf)}
            rowKey={each => `${each.family} ${each.portName} ${each.protocol} ${each.kind} ${addressOf(each)}`}
            filter={filter}
          />
        )}
      </Answered>
    </View>
  )
}

/** How the next endpoint is chosen, once for ports that have it in common. */
function Balancers({ ports }: { readonly ports: readonly Port[] }): JSX.Element {
  const names = [...new Set(ports.map(({ balancer }) => balancer))]
  return <>{names.length === 0 ? '' : WORDS.balancer(names.join(', '))}</>
}

function addressesOf({ portName, protocol, family, frontends }: Port): Address[] {
  return frontends.map(frontend => ({ ...frontend, portName, protocol, family }))
}

function addressOf({ address, port }: Frontend): string {
  if (address === null) return WORDS.nodeAddress(port)
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

function stateOf({ isUsed, ejected }: Endpoint): string {
  if (ejected.length > 0) return WORDS.ejected
  return isUsed ? WORDS.in : WORDS.out
}

/** The same reason for both kinds of traffic is one; a Service may have no traffic that must stay on this node. */
function reasonsOf({ cluster, local, ejected }: Endpoint): string[] {
  const hasBoth = local.text !== cluster.text && local.reason !== 'no-such-traffic'
  const main = cluster.reason === 'no-such-traffic' ? local : cluster
  const longest = Math.max(0, ...ejected.map(({ forMs }) => forMs))
  return [
    WORDS.verdict(main),
    ...(hasBoth && main !== local ? [WORDS.localToo(WORDS.verdict(local))] : []),
    ...(longest === 0 ? [] : [WORDS.ejectedWhy(Math.ceil(longest / 1000))]),
  ]
}
