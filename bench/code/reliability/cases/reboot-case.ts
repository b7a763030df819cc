import { REMOVE_RULES } from '../../../../test/support/nodes/remove-rules.js'
import { CLOSED_PORT } from '../watch/rule-watch.js'
import { type CaseSite } from '../case-site.js'
import { type ReliabilityCase } from './reliability-case.js'

/** What a boot leaves of ipvs mode besides rules: nothing. */
const REMOVE_SERVERS = 'ipvsadm -C && ipset destroy && ip link delete kube-ipvs0'
/** The programs for the rules of each family. */
const FAMILIES = ['iptables', 'ip6tables'] as const

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
    const usesSets = site.setup.servesBy === 'virtual servers'
    const old = site.launch()
    await old.ready
    const saved = await Promise.all(FAMILIES.map(family => runOnNode(site, `${family}-save`)))
    await old.killServing()
    await runOnNode(site, REMOVE_RULES)
    if (usesSets) await runOnNode(site, REMOVE_SERVERS)
    await runOnNode(site, 'conntrack -F')
    await site.removeFirstPod()
    for (const [index, family] of FAMILIES.entries()) {
      const { exitCode, stderr } = await site.network.node.run(`${family}-restore`, ['--wait', '5'], {
        input: saved[index]!,
      })
      if ((exitCode !== 0) !== usesSets)
        throw new Error(
          `${family}-restore ended with exit code ${exitCode}, expected it to ${usesSets ? 'refuse rules that need sets' : 'restore the rules'}: ${stderr}`,
        )
    }
    await site.startLoad(0)
    site.markEvent()
    await site.launch().ready
    return site.finish()
  },
  isKept: ({ hasRecovered, leads }) => hasRecovered && leads.at(-1)?.to !== CLOSED_PORT,
}

/** @returns what the script prints. @throws Error if it fails */
async function runOnNode({ network }: CaseSite, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await network.node.run('sh', ['-c', script])
  if (exitCode !== 0) throw new Error(`"${script}" ended with exit code ${exitCode}: ${stderr}`)
  return stdout
}
