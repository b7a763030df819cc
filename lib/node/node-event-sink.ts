import { type ClusterEvent, type EventSink } from '../model/event-sink.js'

export interface NodeEventSinkOptions {
  readonly sink: EventSink
  readonly nodeName: string
  /** The uid of a Service; undefined when it is not there. */
  readonly getServiceUid: (namespace: string, name: string) => string | undefined
}

/**
 * Events as the parts tell them, with what only the whole knows. A note about a Service says what this node does or cannot
 * do ("cannot listen on …"), and gets its subject here: every node of the cluster may tell of the same Service. The uid is
 * what `kubectl describe service` finds events by.
 */
export class NodeEventSink implements EventSink {
  readonly #options: NodeEventSinkOptions

  constructor(options: NodeEventSinkOptions) {
    this.#options = options
  }

  record(event: ClusterEvent): void {
    const { sink, nodeName, getServiceUid } = this.#options
    const { regarding } = event
    if (regarding.kind !== 'Service') return sink.record(event)
    const uid = getServiceUid(regarding.namespace, regarding.name)
    sink.record({
      ...event,
      note: `node ${nodeName} ${event.note}`,
      regarding: { ...regarding, ...(uid !== undefined && uid !== '' && { uid }) },
    })
  }
}
