import {
  type InspectRequest,
  type InspectedAffinity,
  type InspectedConnection,
  type InspectedEndpoint,
  type InspectedHappening,
  type InspectedListener,
} from '../../../lib/dataplane/inspect-request.js'
import { type PlaneUnderTest, waitUntil } from './plane-under-test.js'

interface RowOf {
  readonly listeners: InspectedListener
  readonly endpoints: InspectedEndpoint
  readonly connections: InspectedConnection
  readonly ended: InspectedConnection
  readonly affinity: InspectedAffinity
  readonly happenings: InspectedHappening
}

/** What all processes of a plane say. */
export async function inspectedRows<What extends keyof RowOf>(
  { plane }: PlaneUnderTest,
  what: What,
  request: Partial<InspectRequest> = {},
): Promise<readonly RowOf[What][]> {
  const all = { namespace: undefined, service: undefined, limit: 1000, ...request, what }
  const { processes, missing } = await plane.inspect(all)
  if (missing.length > 0) throw new Error(`No reply of ${missing.join(', ')}`)
  return processes.flatMap(({ rows }) => rows as readonly RowOf[What][])
}

/** Resolves with the first connection that ends, as soon as one has. */
export async function nextEnded(plane: PlaneUnderTest): Promise<InspectedConnection> {
  let rows: readonly InspectedConnection[] = []
  await waitUntil(async () => {
    rows = await inspectedRows(plane, 'ended')
    return rows.length > 0
  }, 'a connection has ended')
  return rows[0]!
}
