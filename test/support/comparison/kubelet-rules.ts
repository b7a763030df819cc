import { type NetworkNamespace } from '../../../lib/demo/network-namespace.js'
import { type IptablesBackEnd, programName } from '../../../lib/system/iptables-back-end.js'

/**
 * The rules of the kubelet 1.20 on a node (pkg/kubelet/kubelet_network_linux.go). The original only marks packets to be dropped;
 * these rules drop them. The canary chain shows which iptables variant the node uses.
 */
const KUBELET_RULES = `*mangle
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
*nat
:KUBE-MARK-DROP - [0:0]
-A KUBE-MARK-DROP -j MARK --or-mark 0x8000
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
-A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP
-A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-I INPUT -j KUBE-FIREWALL
-I OUTPUT -j KUBE-FIREWALL
COMMIT
`

/** Writes the kubelet's rules on a node without rules. */
export async function writeKubeletRules(node: NetworkNamespace, flavour: IptablesBackEnd): Promise<void> {
  const restore = programName('IPv4', flavour, 'restore')
  const { exitCode, stderr } = await node.run(restore, ['--noflush'], { input: KUBELET_RULES })
  if (exitCode !== 0) throw new Error(`${restore}: ${stderr}`)
}
