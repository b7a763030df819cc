import { type Iptables } from '../system/iptables.js'

/** How a process shows that it may write the rules of this node. Any process of the node can connect, but only root may take over. */
export interface HandOverProof {
  /** Shows it for a number that the other process has chosen. @returns how to hide it again @throws ProxyFailure */
  show(nonce: string): Promise<() => Promise<void>>
  /** Whether it is shown for this number. @throws ProxyFailure */
  isShown(nonce: string): Promise<boolean>
}

/** A small table, so that reading it is quick. */
const TABLE = 'mangle'

/** A chain with a random name: only a process that may write rules can make it, in the same network namespace. */
export function iptablesProof(iptables: Iptables): HandOverProof {
  return {
    async show(nonce) {
      await iptables.restore(`*${TABLE}\n:${chainName(nonce)} - [0:0]\nCOMMIT\n`)
      return () => iptables.restore(`*${TABLE}\n-X ${chainName(nonce)}\nCOMMIT\n`)
    },
    isShown: async nonce => (await iptables.read([TABLE])).get(TABLE)?.has(chainName(nonce)) === true,
  }
}

/** At most 28 characters, as the kernel allows. */
function chainName(nonce: string): string {
  return `KUBE-HANDOVER-${nonce}`
}
