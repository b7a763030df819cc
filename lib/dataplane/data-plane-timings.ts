import { DEFAULT_UDP_TIMEOUTS } from '../model/udp-timeouts.js'

/** All times in milliseconds. */
export interface DataPlaneTimings {
  /** TCP: timeout of each attempt to reach an endpoint, in order; as many attempts as numbers. */
  readonly dialSchedule: readonly number[]
  /** TCP: idle time after which the kernel checks that a peer still exists; then it probes every second, ten times. */
  readonly keepAliveIdle: number
  /** TCP: how long a connection may be silent after one of its directions has ended. */
  readonly halfClosedTimeout: number
  /** TCP: how long an accepted client may wait for a descriptor, or for its turn to dial. */
  readonly queueTimeout: number
  /** UDP: idle time after which a flow without any reply ends. */
  readonly udpTimeout: number
  /** UDP: idle time after which a flow with replies ends. */
  readonly udpStreamTimeout: number
}

/** The timings of a data plane without flags. */
export const DEFAULT_TIMINGS: DataPlaneTimings = {
  // As kube-proxy 1.20 in userspace mode.
  dialSchedule: [250, 500, 1000, 2000],
  keepAliveIdle: 15_000,
  queueTimeout: 10_000,
  // kube-proxy sets the same for conntrack (nf_conntrack_tcp_timeout_close_wait).
  halfClosedTimeout: 3_600_000,
  udpTimeout: DEFAULT_UDP_TIMEOUTS.unanswered,
  udpStreamTimeout: DEFAULT_UDP_TIMEOUTS.answered,
}
