import { setImmediate as nextTurn } from 'node:timers/promises'
import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Mode } from '../modes/mode.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { liveState, type LiveProxy } from './explain-live.js'
import { type ExplainRequest, explainPacket, findEnds } from './explain-packet.js'
import { type Explanation } from './explanation.js'
import { planState } from './plan-state.js'

/** What a running proxy would serve in another mode is planned from. */
export interface PlannedFrom {
  readonly config: KubeProxyConfig
  readonly store: ObjectStore
}

/**
 * Explains where a packet would go on this node if another mode served. It plans the rules for the Service of the packet alone, so that it
 * costs the same in a cluster of any size.
 * @throws ProxyFailure EXPLAIN_INVALID if there is no such sender or destination
 */
export async function explainInMode(
  request: ExplainRequest,
  mode: Mode,
  proxy: LiveProxy,
  { config, store }: PlannedFrom,
): Promise<Explanation> {
  const state = await liveState(proxy)
  const { frontend } = findEnds(request, state).destination
  await nextTurn()
  const services = frontend === undefined ? [] : [serviceOf(frontend.servicePort)]
  const families = [...state.rules.keys()]
  const notes = [`This is what ${mode.name} mode would have on this node: the proxy serves in ${state.mode} mode now`]
  return explainPacket(request, planState({ mode, config, store, layout: state.layout, families, notes, services }))
}

function serviceOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`
}
