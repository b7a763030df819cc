import { CLOSED_PORT } from '../watch/rule-watch.js'
import { type ReliabilityCase } from './reliability-case.js'

/** What a boot leaves of ipvs mode besides rules: nothing. */
const REMOVE_SERVERS = 'ipvsadm -C; ipset destroy; ip link delete kube-ipvs0'

/** The boot of a node whose rules of the former boot are restored. */
export const REBOOT_CASE: ReliabilityCase = {
  name: 'reboot',
  title: 'Reboot with stale rules',
  description:
    'No process is left, and connection tracking is empty. A service restores the rules that were saved before the boot. Meanwhile one of the two Pods has gone. Clients come before the proxy starts.',
  promise:
    'From its first sync on, the rules lead to the proxy, and to the Pods that exist. Until then, clients are refused. In ipvs mode, rules that need sets cannot be restored: clients find no host.',
  appliesTo: ({ isForKills }) => !isForKills,
  async run(site) {
    const { node } = site.network
    const old = site.launch()
    await old.ready
    const { stdout } = await node.run('iptables-save', [])
    await old.killServing()
    await node.run('iptables-restore', [], { input: '*nat\nCOMMIT\n*filter\nCOMMIT\n*mangle\nCOMMIT\n' })
    if (site.setup.servesBy === 'virtual servers') await node.run('sh', ['-c', REMOVE_SERVERS])
    await node.run('conntrack', ['-F'])
    await site.removeFirstPod()
    await node.run('iptables-restore', [], { input: stdout })
    await site.startLoad(0)
    site.markEvent()
    await site.launch().ready
    return site.finish()
  },
  isKept: ({ hasRecovered, leads }) => hasRecovered && leads.at(-1)?.to !== CLOSED_PORT,
}
