import { type JSX } from 'preact'
import { useId, useState } from 'preact/hooks'
import { useLocation } from 'wouter-preact'
import { type ConnectionView } from '../../../status/connection-view.js'
import { type EndpointView } from '../../../status/endpoint-view.js'
import { type ServiceView } from '../../../status/service-view.js'
import { type StatusDocument } from '../../../status/status-document.js'
import { useAnswer } from '../../live/use-answer.js'
import { TEXTS } from '../../texts.js'
import { ipOf } from './ip-of.js'
import { packetPath, serviceDestination } from './packet-path.js'

const WORDS = TEXTS.packet
const SENDERS = ['pod', 'node', 'outside', 'address'] as const
type Sender = (typeof SENDERS)[number]
/** What is suggested changes rarely. In milliseconds. */
const PERIOD_MS = 60_000

/** Who sends a packet, and where to. What exists is suggested. */
export function PacketForm({ from, to }: { readonly from: string; readonly to: string }): JSX.Element {
  const [, navigate] = useLocation()
  const [sender, setSender] = useState<Sender>(senderOf(from))
  const [address, setAddress] = useState(addressOf(from))
  const [destination, setDestination] = useState(to)
  const id = useId()
  const destinations = useDestinations()
  const follow = (event: Event): void => {
    event.preventDefault()
    navigate(packetPath(senderText(sender, address.trim()), destination.trim()))
  }
  return (
    <form class="packet" onSubmit={follow}>
      <fieldset>
        <legend>{WORDS.from}</legend>
        {SENDERS.map(each => (
          <label key={each}>
            <input type="radio" name={id} checked={sender === each} onChange={() => setSender(each)} />{' '}
            {WORDS.senders[each]}
          </label>
        ))}
      </fieldset>
      <Field
        label={WORDS.address}
        value={address}
        onChange={setAddress}
        hint={sender === 'address' ? '' : WORDS.anyAddress}
        isRequired={sender === 'address'}
        suggestions={useSenders()}
      />
      <Field
        label={WORDS.to}
        value={destination}
        onChange={setDestination}
        hint={WORDS.toExample}
        isRequired
        suggestions={destinations}
      />
      <button type="submit">{WORDS.follow}</button>
    </form>
  )
}

function Field({
  label,
  value,
  onChange,
  hint,
  isRequired,
  suggestions,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly hint: string
  readonly isRequired: boolean
  readonly suggestions: readonly string[]
}): JSX.Element {
  const id = useId()
  return (
    <label class="field">
      {label}
      <input
        value={value}
        list={id}
        required={isRequired}
        placeholder={hint}
        autocomplete="off"
        spellcheck={false}
        onInput={event => onChange(event.currentTarget.value)}
      />
      <datalist id={id}>
        {suggestions.map(text => (
          <option key={text} value={text} />
        ))}
      </datalist>
    </label>
  )
}

/** The addresses of endpoints and of clients that the proxy has seen. */
function useSenders(): readonly string[] {
  const endpoints = useAnswer<StatusDocument<EndpointView>>('/v1/endpoints?limit=200', PERIOD_MS)
  const ended = useAnswer<StatusDocument<ConnectionView>>('/v1/ended-connections?limit=50', PERIOD_MS)
  const clients = (ended.answer?.items ?? []).map(({ client }) => ipOf(client))
  const pods = (endpoints.answer?.items ?? []).filter(({ isUsed }) => isUsed).map(each => ipOf(each.address))
  return [...new Set([...clients, ...pods])]
}

function useDestinations(): readonly string[] {
  const services = useAnswer<StatusDocument<ServiceView>>('/v1/services?limit=1000', PERIOD_MS)
  return [...new Set((services.answer?.items ?? []).map(port => serviceDestination(port, String(port.port))))]
}

function senderText(sender: Sender, address: string): string {
  if (sender === 'address') return address
  return address === '' ? sender : `${sender}/${address}`
}

function senderOf(from: string): Sender {
  const word = from.split('/')[0]
  return SENDERS.find(each => each === word) ?? (from === '' ? 'node' : 'address')
}

function addressOf(from: string): string {
  return senderOf(from) === 'address' ? from : from.split('/').slice(1).join('/')
}
