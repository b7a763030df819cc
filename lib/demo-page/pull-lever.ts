import { type ClusterLab } from '../ask/cluster-lab.js'
import { type Pod } from '../demo/cluster-objects.js'
import { type LeverView } from './demo-document.js'
import { type PodStates } from './pod-states.js'

/** Makes the change. Resolves when the proxy serves it. */
export async function pullLever(
  { kind, value, command }: LeverView,
  lab: ClusterLab,
  states: PodStates,
): Promise<void> {
  const pod = (): Pod => lab.pods.find(({ name }) => name === value)!
  const spec = (change: object): Promise<unknown> =>
    lab.changeService({ spec: { ...lab.service.spec, ...change } }, command)
  switch (kind) {
    case 'scale':
      return void (await lab.scale(Number(value)))
    case 'kill':
      return void (await lab.kill(pod()))
    case 'replace':
      return void (await lab.replace(pod()))
    case 'slow':
    case 'silent':
      return states.set(pod(), kind)
    case 'refuse':
      return states.set(pod(), 'refusing')
    case 'heal':
      return states.set(pod(), 'running')
    case 'affinity':
      return void (await lab.changeService({ affinity: value === 'ClientIP' }, command))
    case 'internal':
      return void (await spec({ internalTrafficPolicy: value }))
    case 'external':
      return void (await spec({ externalTrafficPolicy: value }))
    case 'nodes':
      return void (await lab.changeService({ nodeName: value }, command))
    case 'mode':
      return void (await lab.setMode(value))
    case 'api':
      return lab.setApiAway(value === 'away')
  }
}
