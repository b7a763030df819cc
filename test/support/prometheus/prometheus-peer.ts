/** The port of the peer of a Prometheus in a test (prometheus-peer-entry.ts). */
export const PEER_PORT = 9093

/** An alert that fires. */
export interface ReceivedAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}
