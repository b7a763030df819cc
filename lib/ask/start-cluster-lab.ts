import { DemoCluster } from '../demo/demo-cluster.js'
import { type DemoSession } from '../demo/demo-session.js'
import { EXAMPLE_DEPLOYMENT, EXAMPLE_SERVICE } from '../demo/example-objects.js'
import { modeByName } from '../modes/registry.js'
import { ClusterLab } from './cluster-lab.js'

/** Starts the cluster of the example, in which experiments and lessons run. */
export async function startClusterLab({
  prefix,
  teardown,
  leftovers,
}: Pick<DemoSession, 'prefix' | 'teardown' | 'leftovers'>): Promise<{
  readonly lab: ClusterLab
  readonly cluster: DemoCluster
}> {
  const cluster = await DemoCluster.start(
    prefix,
    modeByName('userspace'),
    [EXAMPLE_DEPLOYMENT],
    [EXAMPLE_SERVICE],
    teardown,
    leftovers,
  )
  return { lab: new ClusterLab(cluster, teardown), cluster }
}
