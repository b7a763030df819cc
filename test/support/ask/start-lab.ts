import { type Test } from 'tap'
import { type ClusterLab } from '../../../lib/ask/cluster-lab.js'
import { startClusterLab } from '../../../lib/ask/start-cluster-lab.js'
import { type DemoCluster } from '../../../lib/demo/demo-cluster.js'
import { LeftoverRecord } from '../../../lib/demo/leftover-record.js'
import { Teardown } from '../../../lib/demo/teardown.js'

/** A cluster of experiments and lessons. */
export interface StartedLab {
  readonly cluster: DemoCluster
  readonly lab: ClusterLab
  readonly teardown: Teardown
}

/** Starts the cluster; it is removed at the end of the test. @param name of the cluster: another one for each that runs at a time */
export async function startLab(t: Test, name: string): Promise<StartedLab> {
  const prefix = `kpn${process.pid}-${name}-`
  const teardown = new Teardown()
  t.teardown(() => teardown.run())
  const leftovers = await LeftoverRecord.create(prefix)
  await teardown.add(() => leftovers.deleteRecord())
  return { ...(await startClusterLab({ prefix, teardown, leftovers })), teardown }
}
