/** Something that an operator must know about one object of the cluster, as `kubectl describe` and `kubectl events` show it. */
export interface ClusterEvent {
  readonly type: 'Normal' | 'Warning'
  /** Why, in one word of at most 128 characters: `FailedToStartServiceHealthcheck`. */
  readonly reason: string
  /** What was being done, in one word of at most 128 characters: `Listen`. */
  readonly action: string
  /** What happened, for people. Equal notes are one event, so nothing belongs here that is different every time. */
  readonly note: string
  readonly regarding: EventSubject
}

export interface EventSubject {
  readonly kind: 'Service' | 'Node'
  /** A Node has none: empty. */
  readonly namespace: string
  readonly name: string
  /** Of a Service that it has in the cluster; a Node goes by its name, as in kube-proxy. */
  readonly uid?: string
}

/** Where events are told. Telling never waits and never fails. */
export interface EventSink {
  record(event: ClusterEvent): void
}

/** Keeps events until it can write them. */
export interface EventWriter extends EventSink {
  /** Writes until the signal is aborted; resolves when nothing is under way any more, and never rejects. */
  run(signal: AbortSignal): Promise<void>
}

/** For a cluster without an API server: nobody could read events there. */
export const discardEvents: EventWriter = { record: () => undefined, run: () => Promise.resolve() }
