import { decodeSpec } from '../../../lib/doctor/decode-spec.js'
import { type ObjectFacts } from '../../../lib/doctor/doctor-facts.js'
import { type Seen, seen } from '../../../lib/doctor/seen.js'
import { makeEndpointView } from './make-facts.js'

/** Objects of a Service with these fields. */
export const objectsOf = (
  { metadata = {}, spec = {}, status }: { metadata?: object; spec?: object; status?: object },
  more: Partial<ObjectFacts> = {},
): Seen<ObjectFacts> =>
  seen<ObjectFacts>({
    ...{ origin: 'The API server', isFromFiles: false, existing: [], ports: [] },
    endpoints: [makeEndpointView('10.244.0.2:8080'), makeEndpointView('10.244.0.3:8080')],
    pods: { isSeen: false, why: 'not asked' },
    service: decodeSpec({
      metadata: { namespace: 'default', name: 'web', ...metadata },
      spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', ports: [{ name: 'http', port: 80 }], ...spec },
      status,
    }),
    ...more,
  })
