import { type ContenderName } from '../contenders/contender.js'
import { type Target } from './targets.js'

const BACK_ENDS = ['nft', 'legacy'] as const

/** A target: a metric of this proxy compared with the original in the same mode. */
function makeTarget(
  of: ContenderName,
  against: ContenderName,
  rest: Omit<Target, 'contender' | 'required'>,
  ratio: Target['required']['ratio'],
): Target {
  return { ...rest, contender: of, required: { against, ratio } }
}

const syncTargets: readonly Target[] = BACK_ENDS.flatMap(flavour => {
  const target = (title: string, load: string, metric: string, ratio: number): Target =>
    makeTarget(
      `kube-proxy-node-iptables-${flavour}`,
      `original-iptables-${flavour}`,
      { title: `${title} (${flavour})`, load, metric },
      ratio,
    )
  return [
    target('first full sync of 5,000 Services × 10 endpoints', 'full-sync-5000', 'sync', 0.5),
    target('full sync of as many where rules stand', 'full-sync-5000', 'again', 0.5),
    target("one endpoint's change there, to the packet", 'one-change-5000', 'effect', 0.1),
    target("one endpoint's change there, its sync", 'one-change-5000', 'sync', 0.1),
  ]
})

const DATA_PATH = [
  ['keep-alive requests/s', 'keep-alive'],
  ['new connections/s', 'new-connections'],
  ['bulk to the Pod, 1 stream', 'bulk-to-pod-1'],
  ['bulk from the Pod, 1 stream', 'bulk-from-pod-1'],
] as const

const dataPathTargets: readonly Target[] = [
  ...DATA_PATH,
  ['new connections/s at 5,000 Services', 'new-connections-5000'] as const,
].flatMap(([title, load]) =>
  BACK_ENDS.map(flavour =>
    makeTarget(
      `kube-proxy-node-iptables-${flavour}`,
      `original-iptables-${flavour}`,
      { title: `${title}, iptables (${flavour})`, load, metric: 'rate' },
      'equal',
    ),
  ),
)

export const IPTABLES_TARGETS: readonly Target[] = [...syncTargets, ...dataPathTargets]

export const IPVS_TARGETS: readonly Target[] = DATA_PATH.map(([title, load]) =>
  makeTarget('kube-proxy-node-ipvs', 'original-ipvs', { title, load, metric: 'rate' }, 'equal'),
)
