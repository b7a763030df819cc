import { type DemoService } from '../demo/cluster-objects.js'
import { EXAMPLE_SERVICE } from '../demo/example-objects.js'

/** The port of the node at which clients outside of the cluster ask. */
export const LIVE_NODE_PORT = 30080

/** The Service of the example, which clients outside of the cluster reach too. @param nodeName of its Pods */
export function liveService(nodeName: string): DemoService {
  return {
    ...EXAMPLE_SERVICE,
    ports: EXAMPLE_SERVICE.ports.map(port => ({ ...port, nodePort: LIVE_NODE_PORT })),
    spec: { type: 'NodePort', internalTrafficPolicy: 'Cluster', externalTrafficPolicy: 'Cluster' },
    nodeName,
  }
}
