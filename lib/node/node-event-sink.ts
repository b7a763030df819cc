import { type ClusterEvent, type EventSink } from '../model/event-sink.js'

export interface NodeEventSinkOptions {
  readonly sink: EventSink
  readonly nodeName: string
  /** Returns the uid of a Service, or undefined if the Service does not exist. */
  readonly getServiceUid: (namespace: string, name: string) => string | undefined
}

/**
 * Completes events about Services. A note says what this node cannot do ("cannot listen on …"); the sink adds the name of the node,
 * because every node of the cluster may report the same Service. It also adds the uid, by which `kubectl describe service` finds
 * events.
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

/** Records events about the Node of this machine, in the form of kube-proxy's. */
export class NodeEvents {
  readonly #sink: EventSink
  readonly #nodeName: string

  constructor(sink: EventSink, nodeName: string) {
    this.#sink = sink
    this.#nodeName = nodeName
  }

  record(type: ClusterEvent['type'], reason: string, note: string): void {
    const regarding = { kind: 'Node', namespace: '', name: this.#nodeName } as const
    this.#sink.record({ type, reason, action: 'StartKubeProxy', note, regarding })
  }
}
