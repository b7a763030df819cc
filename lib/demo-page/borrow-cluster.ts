import { type ClusterLab } from '../ask/cluster-lab.js'
import { type LiveTraffic } from './live-traffic.js'
import { type PodStates } from './pod-states.js'

/** The cluster behind the page of the demo. */
export interface LentCluster {
  readonly lab: ClusterLab
  readonly traffic: LiveTraffic
  readonly states: PodStates
}

/**
 * Runs experiments in the cluster, with all its Pods well. Its clients wait meanwhile: they would disturb what experiments count. Afterwards
 * the cluster is as it was.
 */
export async function borrowCluster({ lab, traffic, states }: LentCluster, run: () => Promise<void>): Promise<void> {
  const { service, mode, isApiAway } = lab
  const replicas = lab.pods.length
  const restore = [
    () => lab.reset(),
    () => lab.setMode(mode),
    () => lab.changeService(service, ''),
    () => lab.scale(replicas),
    ...(isApiAway === true ? [() => lab.setApiAway(true)] : []),
  ]
  try {
    await traffic.pause()
    if (isApiAway === true) await lab.setApiAway(false)
    await healAll(lab, states)
    await run()
  } finally {
    try {
      await doAll(restore)
    } finally {
      traffic.resume()
    }
  }
}

/** Replaces Pods that were killed, and makes the others as they should be. */
async function healAll(lab: ClusterLab, states: PodStates): Promise<void> {
  for (const pod of lab.pods) {
    if (states.of(pod) === 'killed') await lab.replace(pod)
    else await states.set(pod, 'running')
  }
}

/** Takes all steps in order, even if one of them fails. @throws the first failure, at the end */
async function doAll(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) await step().catch((error: unknown) => void failures.push(error))
  if (failures.length > 0) throw failures[0]
}
