import { type KubeProxyConfig } from '../config/kube-proxy-config.js'
import { type Log } from '../model/log.js'
import { NODE_MISSING_HINT, nodeMissingFailure } from '../node/node-failures.js'
import { type NodeManager } from '../node/node-manager.js'
import { ADDRESS_WAIT, NodeWait } from '../node/node-wait.js'
import { realClock } from '../system/real-clock.js'
import { type StartChoices } from './choose-at-start.js'

/** What `createNodeWait` makes the wait from. */
export interface NodeWaitSetup {
  readonly config: KubeProxyConfig
  readonly choices: StartChoices
  readonly log: Log
  /** Aborted if the Node does not appear and the mode needs it. */
  readonly fatal: AbortController
}

/** Makes the wait of the first sync for the Node object, as long as the mode wants. Manifests may omit the Node. */
export function createNodeWait({ config, choices, log, fatal }: NodeWaitSetup, node: NodeManager): NodeWait {
  return new NodeWait({
    clock: realClock,
    log,
    getPolicy: () => (node.lacksOnlyAddress ? ADDRESS_WAIT : choices.mode.nodeWait),
    getReason: () => (config.manifests.length > 0 ? undefined : node.waitReason),
    onTimeout: (reason, { then, timeoutMs }) => {
      if (then === 'exit') return fatal.abort(nodeMissingFailure(config.nodeName, reason, timeoutMs))
      log.warn('Serving without the Node of this machine; its zone and addresses are used once it is known', {
        reason,
        hint: NODE_MISSING_HINT,
      })
    },
  })
}
