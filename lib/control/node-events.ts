import { type ClusterEvent, type EventSink } from '../model/event-sink.js'

export interface NodeEventsOptions {
  readonly sink: EventSink
  readonly nodeName: string
  /** The uid of a Service; undefined when it is not there. */
  readonly uidOf: (namespace: string, name: string) => string | undefined
}

/**
 * Events as the parts tell them, with what only the whole knows. A note about a Service says what this node does or cannot
 * do ("cannot listen on …"), and gets its subject here: every node of the cluster may tell of the same Service. The uid is
 * what `kubectl describe service` finds events by.
 */
export class NodeEvents implements EventSink {
  readonly #options: NodeEventsOptions

  constructor(options: NodeEventsOptions) {
    this.#options = options
  }

  event(event: ClusterEvent): void {
    const { sink, nodeName, uidOf } = this.#options
    const { regarding } = event
    if (regarding.kind !== 'Service') return sink.event(event)
    const uid = uidOf(regarding.namespace, regarding.name)
    sink.event({
      ...event,
      note: `node ${nodeName} ${event.note}`,
      regarding: { ...regarding, ...(uid !== undefined && uid !== '' && { uid }) },
    })
  }
}
