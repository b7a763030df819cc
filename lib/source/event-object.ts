import { type ClusterEvent } from '../model/event-sink.js'

/** The reporter of the events, for readers and for the selectors of `kubectl events`. */
const CONTROLLER = 'kube-proxy'
/** Limits of the API server for `note` (bytes), for `reason`, `action` and `reportingInstance`, and for names. */
const MAX_NOTE_BYTES = 1024
const MAX_FIELD_LENGTH = 128
const MAX_NAME_LENGTH = 253

/** What an event object contains besides the event itself. */
export interface EventContext {
  /** The name of the node that this program runs on. */
  readonly nodeName: string
  /** The time of the event, in milliseconds since 1970. */
  readonly at: number
  /** Unique letters and digits, because two nodes may report the same Service in the same microsecond. */
  readonly uniqueSuffix: string
}

/** The namespace of events about this object: `default` for a Node, which has no namespace. */
export function eventNamespace({ regarding }: ClusterEvent): string {
  return regarding.kind === 'Node' ? 'default' : regarding.namespace
}

/** Builds an Event of `events.k8s.io/v1` (Kubernetes 1.19 and later). */
export function buildEventsV1Object(event: ClusterEvent, context: EventContext): object {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: buildMetadata(event, context),
    // A MicroTime has six digits, a JavaScript date three.
    eventTime: new Date(context.at).toISOString().replace('Z', '000Z'),
    type: event.type,
    reason: event.reason.slice(0, MAX_FIELD_LENGTH),
    action: event.action.slice(0, MAX_FIELD_LENGTH),
    note: truncateNote(event.note),
    // Servers before 1.22 refuse an event about a Node without `default` here (kubernetes/kubernetes#100119).
    regarding: { ...buildReference(event), namespace: eventNamespace(event) },
    reportingController: CONTROLLER,
    reportingInstance: buildReportingInstance(context.nodeName),
  }
}

/** Builds a core `v1` Event for older servers. Without `eventTime`, so that their older rules apply. */
export function buildCoreV1Object(event: ClusterEvent, context: EventContext): object {
  const time = new Date(context.at).toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: buildMetadata(event, context),
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    type: event.type,
    reason: event.reason.slice(0, MAX_FIELD_LENGTH),
    action: event.action.slice(0, MAX_FIELD_LENGTH),
    message: truncateNote(event.note),
    involvedObject: buildReference(event),
    source: { component: CONTROLLER, host: context.nodeName },
    reportingComponent: CONTROLLER,
    reportingInstance: buildReportingInstance(context.nodeName),
  }
}

function buildMetadata(event: ClusterEvent, { uniqueSuffix }: EventContext): object {
  // The part before a dot must end with a letter or digit.
  const room = MAX_NAME_LENGTH - uniqueSuffix.length - 1
  const name = event.regarding.name.slice(0, room).replace(/[^a-z0-9]+$/, '')
  return { name: `${name}.${uniqueSuffix}`, namespace: eventNamespace(event) }
}

/** The uid of a Node is its name here: kube-proxy and the kubelet write it so, and `kubectl describe node` selects by it. */
function buildReference({ regarding: { kind, namespace, name, uid } }: ClusterEvent): object {
  if (kind === 'Node') return { apiVersion: 'v1', kind, name, uid: name }
  return { apiVersion: 'v1', kind, namespace, name, ...(uid !== undefined && { uid }) }
}

/** client-go's `kube-proxy-HOST`. */
function buildReportingInstance(nodeName: string): string {
  return `${CONTROLLER}-${nodeName}`.slice(0, MAX_FIELD_LENGTH)
}

/** Cuts the note between two characters. The server's limit is in bytes. */
function truncateNote(note: string): string {
  if (Buffer.byteLength(note) <= MAX_NOTE_BYTES) return note
  const cut = Buffer.from(note).subarray(0, MAX_NOTE_BYTES - 3)
  // A character in the middle of the cut becomes U+FFFD.
  return `${cut.toString('utf8').replace(/\uFFFD$/, '')}...`
}
