import { type IpAddress, parseIp } from '../model/address.js'
import { type Protocol, parseProtocol } from '../model/protocol.js'
import { type RawFields, fields } from '../snapshot/decoded.js'

/** What the doctor reads of a v1 Pod. */
export interface PodFacts {
  readonly namespace: string
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly nodeName: string
  readonly phase: string
  readonly ips: readonly IpAddress[]
  readonly isReady: boolean
  readonly isTerminating: boolean
  /** Why it is not ready, in the words of the kubelet; empty: nothing says why. */
  readonly why: string
  readonly ports: readonly { readonly name: string; readonly protocol: Protocol; readonly port: number }[]
}

/** Reads a Pod. It never fails: what is missing or of another type is empty. */
export function decodePod(raw: unknown): PodFacts {
  const [metadata, spec, status] = ['metadata', 'spec', 'status'].map(name => fields(fields(raw)[name])) as [
    RawFields,
    RawFields,
    RawFields,
  ]
  const ready = objectsOf(status['conditions']).find(({ type }) => type === 'Ready')
  const addresses = [status['podIP'], ...objectsOf(status['podIPs']).map(({ ip }) => ip)].map(parseIp)
  return {
    namespace: textOf(metadata['namespace']) || 'default',
    name: textOf(metadata['name']),
    labels: textMap(metadata['labels']),
    nodeName: textOf(spec['nodeName']),
    phase: textOf(status['phase']),
    ips: [...new Set(addresses.filter(ip => ip !== undefined))],
    isReady: ready?.['status'] === 'True',
    isTerminating: textOf(metadata['deletionTimestamp']) !== '',
    why: whyNotReady(ready, status),
    ports: [...objectsOf(spec['containers']), ...sidecarsOf(spec)].flatMap(({ ports }) =>
      objectsOf(ports).flatMap(decodeContainerPort),
    ),
  }
}

/** Init containers that keep running have ports as well. */
function sidecarsOf(spec: RawFields): readonly RawFields[] {
  return objectsOf(spec['initContainers']).filter(({ restartPolicy }) => restartPolicy === 'Always')
}

/** A map of texts, as labels and selectors are. */
export function textMap(value: unknown): ReadonlyMap<string, string> {
  return new Map(Object.entries(fields(value)).map(([key, text]) => [key, textOf(text)]))
}

/** What a container waits for says more than the condition of the Pod. */
function whyNotReady(ready: RawFields | undefined, status: RawFields): string {
  const waiting = objectsOf(status['containerStatuses']).flatMap(container => {
    const { reason, message } = fields(fields(container['state'])['waiting'])
    const why = [textOf(reason), textOf(message)].filter(text => text !== '').join(': ')
    return why === '' ? [] : [`container ${textOf(container['name'])} waits: ${why}`]
  })
  const condition = textOf(ready?.['message']) || textOf(ready?.['reason']) || textOf(status['message'])
  return waiting.join('; ') || condition
}

function decodeContainerPort(raw: RawFields): PodFacts['ports'] {
  const protocol = parseProtocol(raw['protocol'] ?? 'TCP')
  const { containerPort } = raw
  if (protocol === undefined || typeof containerPort !== 'number') return []
  return [{ name: textOf(raw['name']), protocol, port: containerPort }]
}

function objectsOf(value: unknown): readonly RawFields[] {
  return Array.isArray(value) ? value.map(fields) : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
