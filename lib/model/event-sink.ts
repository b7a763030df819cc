/** A fact about one object of the cluster that `kubectl describe` and `kubectl events` show to operators. */
export interface ClusterEvent {
  readonly type: 'Normal' | 'Warning'
  /** Why, in one word of at most 128 characters: `FailedToStartServiceHealthcheck`. */
  readonly reason: string
  /** What was being done, in one word of at most 128 characters: `Listen`. */
  readonly action: string
  /** What happened, as text. Equal notes are one event, so the text must not contain values that change each time. */
  readonly note: string
  readonly regarding: EventSubject
}

/** The object that an event is about. */
export interface EventSubject {
  readonly kind: 'Service' | 'Node'
  /** Empty for a Node. */
  readonly namespace: string
  readonly name: string
  /** UID of a Service. For a Node, its name replaces it, as in kube-proxy. */
  readonly uid?: string
}

/** Takes events. Recording never waits and never fails. */
export interface EventSink {
  record(event: ClusterEvent): void
}

/** Queues events until it can write them. */
export interface EventWriter extends EventSink {
  /** Writes until the signal aborts; resolves when no write is in progress, and never rejects. */
  run(signal: AbortSignal): Promise<void>
}

/** Discards events, for a cluster without API server to read them from. */
export const discardEvents: EventWriter = { record: () => undefined, run: () => Promise.resolve() }
