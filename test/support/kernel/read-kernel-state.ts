import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'

/** What prints the rules of both back ends of iptables, in both IP families. */
const SAVE_PROGRAMS = ['iptables-nft-save', 'ip6tables-nft-save', 'iptables-legacy-save', 'ip6tables-legacy-save']
/** What prints all else that kube-proxy can change. A program that this machine or its kernel lacks prints nothing. */
const OTHER_STATE = [
  'ipvsadm -S -n',
  'ipset save',
  'ip -o link',
  // The kernel gives an interface its link-local address when it likes.
  'ip -o address | grep -v fe80::',
  'sysctl -a -r "^net.ipv[46].(conf|vs|ip_forward)"',
]

/**
 * What kube-proxy can change in the kernel of a node: rules, virtual servers, sets, interfaces, addresses and settings. Programs that only look
 * at rules create empty tables; they are left out.
 */
export async function readKernelState(node: NetworkNamespace): Promise<ReadonlyMap<string, readonly string[]>> {
  const state = new Map<string, readonly string[]>()
  for (const program of SAVE_PROGRAMS) state.set(program, rulesIn((await node.run(program, [])).stdout))
  for (const command of OTHER_STATE)
    state.set(
      command,
      (await node.run('sh', ['-c', command])).stdout
        .split('\n')
        .filter(line => line !== '')
        .sort(),
    )
  return state
}

/** Rules, and chains that the kernel does not have by itself. */
function rulesIn(saved: string): string[] {
  return saved.split('\n').filter(line => /^-A |^:(?!(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) )/.test(line))
}
