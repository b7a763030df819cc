import { type Pod } from '../demo/cluster-objects.js'
import { type Lab, type Ran, type Running } from './lab.js'

/** A request of the client that no Pod has answered yet. */
export interface OpenConnection {
  readonly request: Running
  /** The connections from the node to Pods, while it was open. */
  readonly ran: Ran
  /** The Pod that has to answer. */
  readonly pod: Pod
}

/** How the request of an open connection differs. */
export interface OpenOptions {
  /** The Pod answers after so many milliseconds; left out: a minute. */
  readonly waitMs?: number
  /** Options of `curl`. */
  readonly curl?: readonly string[]
}

/** Opens a connection through a proxy in userspace mode, and waits until it reaches a Pod. */
export async function openConnection(
  lab: Lab,
  url: string,
  { waitMs = 60_000, curl = [] }: OpenOptions = {},
): Promise<OpenConnection> {
  const look = () =>
    lab.run('node', 'ss', '-Htn', 'state', 'established', 'dst', '10.244.0.0/24', 'and', 'not', 'dst', lab.clientIP)
  // A connection of a request before this one may still be there for a moment.
  await lab.until(({ output }) => output === '', look)
  const request = lab.start('client', 'curl', '-s', ...curl, `${url}/?wait=${waitMs}`)
  const podOf = ({ output }: Ran) => lab.pods.find(({ ip }) => output.includes(` ${ip}:`))
  const ran = await lab.until(seen => podOf(seen) !== undefined, look)
  return { request, ran, pod: podOf(ran)! }
}
