import { type Test } from 'tap'
import { ClusterLab } from '../../../lib/ask/cluster-lab.js'
import { DemoCluster } from '../../../lib/demo/demo-cluster.js'
import { EXAMPLE_DEPLOYMENT, EXAMPLE_SERVICE } from '../../../lib/demo/example-objects.js'
import { LeftoverRecord } from '../../../lib/demo/leftover-record.js'
import { Teardown } from '../../../lib/demo/teardown.js'
import { modeByName } from '../../../lib/modes/registry.js'

/** Starts the cluster of lessons; it is removed at the end of the test. */
export async function startLessonLab(t: Test): Promise<{ readonly lab: ClusterLab; readonly cluster: DemoCluster }> {
  const prefix = `kpn${process.pid}-learn-`
  const teardown = new Teardown()
  t.teardown(() => teardown.run())
  const leftovers = await LeftoverRecord.create(prefix)
  await teardown.add(() => leftovers.deleteRecord())
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
