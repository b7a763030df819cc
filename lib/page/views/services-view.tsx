import { type JSX } from 'preact'
import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { type ServiceView as Port } from '../../status/service-view.js'
import { type StatusDocument } from '../../status/status-document.js'
import { SELDOM_MS, CHANGES, useAnswer } from '../live/use-answer.js'
import { Answered } from '../parts/answered.js'
import { type Column, DataTable } from '../parts/data-table.js'
import { FilterBox } from '../parts/filter-box.js'
import { Mark, type MarkKind } from '../parts/mark.js'
import { portText } from '../parts/port-text.js'
import { View } from '../parts/view.js'
import { TEXTS } from '../texts.js'

const WORDS = TEXTS.services

const COLUMNS: readonly Column<Port>[] = [
  {
    title: WORDS.service,
    text: nameOf,
    cell: port => <Link href={`/services/${port.namespace}/${port.name}`}>{nameOf(port)}</Link>,
  },
  { title: WORDS.clusterIP, text: ({ clusterIP }) => clusterIP, isCode: true },
  { title: WORDS.port, text: ({ port, protocol }) => `${port}/${protocol}`, isCode: true },
  { title: WORDS.nodePort, text: ({ nodePort }) => (nodePort === 0 ? TEXTS.none : String(nodePort)), isCode: true },
  {
    title: WORDS.endpoints,
    text: port => WORDS.used(usedOf(port), port.endpoints.all),
    cell: port => <Mark kind={kindOf(port)}>{WORDS.used(usedOf(port), port.endpoints.all)}</Mark>,
  },
  {
    title: WORDS.policy,
    text: ({ internalTrafficPolicy, externalTrafficPolicy }) =>
      WORDS.policies(internalTrafficPolicy, externalTrafficPolicy),
  },
  {
    title: WORDS.affinity,
    text: ({ affinitySeconds }) => (affinitySeconds === null ? TEXTS.none : WORDS.seconds(affinitySeconds)),
  },
  {
    title: WORDS.notServed,
    text: port => (notServed(port) === 0 ? TEXTS.none : WORDS.addresses(notServed(port))),
    cell: port => (notServed(port) === 0 ? TEXTS.none : <Mark kind="warning">{WORDS.addresses(notServed(port))}</Mark>),
  },
]

/** All service ports. */
export function ServicesView(): JSX.Element {
  const [filter, setFilter] = useState('')
  const answer = useAnswer<StatusDocument<Port>>('/v1/services', SELDOM_MS, CHANGES)
  return (
    <View title={WORDS.title} about={WORDS.about}>
      <FilterBox value={filter} onChange={setFilter} />
      <Answered from={answer}>
        {ports => <DataTable caption={WORDS.title} columns={COLUMNS} rows={ports} rowKey={keyOf} filter={filter} />}
      </Answered>
    </View>
  )
}

function nameOf({ namespace, name: service, portName }: Port): string {
  return portText({ namespace, service, portName, protocol: 'TCP' })
}

function keyOf(port: Port): string {
  return `${port.family} ${nameOf(port)} ${port.protocol}`
}

/** With policy Local, only endpoints of this node may serve some traffic; the others serve the rest. */
function usedOf({ endpoints: { cluster, local } }: Port): number {
  return Math.max(cluster, local)
}

function kindOf(port: Port): MarkKind {
  if (usedOf(port) > 0) return 'good'
  return port.endpoints.all > 0 ? 'bad' : 'idle'
}

function notServed({ frontends }: Port): number {
  return frontends.filter(({ isServed }) => !isServed).length
}
