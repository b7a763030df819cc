import { type ClusterEvent, type EventSink } from '../model/event-sink.js'

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
