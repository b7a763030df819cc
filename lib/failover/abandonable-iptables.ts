import { type Iptables } from '../system/iptables.js'

/**
 * The same rules until `abandoned` is aborted. From then on nothing begins: each call throws the reason of the signal. What has begun ends,
 * since a write of rules cannot be cancelled.
 */
export function abandonableIptables(iptables: Iptables, abandoned: AbortSignal): Iptables {
  const { family, backEnd, maxChainsPerRestore } = iptables
  return {
    family,
    ...(backEnd && { backEnd }),
    maxChainsPerRestore,
    async read(tables) {
      abandoned.throwIfAborted()
      return iptables.read(tables)
    },
    async restore(text) {
      abandoned.throwIfAborted()
      await iptables.restore(text)
    },
    foreignChanges: () => iptables.foreignChanges?.(),
    watchAlso: chains => iptables.watchAlso?.(chains),
  }
}
