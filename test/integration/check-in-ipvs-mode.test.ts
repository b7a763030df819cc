import t from 'tap'
import { type NodeReport } from '../../lib/check/node-report.js'
import { readKernelState } from '../support/kernel/read-kernel-state.js'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { NodeNetwork } from '../support/nodes/node-network.js'
import { runProgram } from '../support/processes/run-program.js'

/** Everything takes longer in a virtual machine with an emulated processor. */
const TIMEOUT_MS = 300_000
/** What other programs have, in both back ends of iptables. */
const OF_OTHERS = [
  'iptables-nft -t nat -A OUTPUT -d 192.0.2.7 -j RETURN',
  'ip6tables-nft -A FORWARD -m comment --comment mine -j DROP',
  'iptables-legacy -t nat -A OUTPUT -d 192.0.2.8 -j RETURN',
  'ip6tables-legacy -A FORWARD -m comment --comment mine -j DROP',
  'ipvsadm -A -t 192.0.2.50:80 -s lc',
  'ipset create KUBE-ROUTER-THINGS hash:ip',
  'ipset add KUBE-ROUTER-THINGS 192.0.2.51',
]
/** What ipvs mode leaves while no proxy runs. */
const OF_IPVS_MODE = [
  'ip link add kube-ipvs0 type dummy',
  'ip address add 10.96.0.10/32 dev kube-ipvs0',
  'ipset create KUBE-IPVS-SERVERS hash:ip,port',
  'ipset add KUBE-IPVS-SERVERS 10.96.0.10,tcp:80',
  'ipvsadm -A -t 10.96.0.10:80 -s rr',
  'ipvsadm -a -t 10.96.0.10:80 -r 10.244.0.2:8080 -m',
]

t.test('kube-proxy check on a kernel with IPVS', { skip: ipvsUnavailable, timeout: TIMEOUT_MS }, async t => {
  const network = await NodeNetwork.create(t)
  const through = ['ip', 'netns', 'exec', network.node.name]
  const run = async (commands: readonly string[]): Promise<void> => {
    const { exitCode, stderr } = await network.node.run('sh', ['-c', commands.join(' && ')])
    t.equal(exitCode, 0, stderr)
  }

  await t.test('ipvs mode works and is chosen; the check leaves all as it is', async t => {
    await run(OF_OTHERS)
    const before = await readKernelState(network.node)
    t.match(before.get('ipvsadm -S -n'), ['-A -t 192.0.2.50:80 -s lc'])
    t.match(before.get('ipset save')!.join('\n'), 'add KUBE-ROUTER-THINGS 192.0.2.51')
    for (const part of ['iptables-nft-save', 'ip6tables-nft-save', 'iptables-legacy-save', 'ip6tables-legacy-save'])
      t.equal(before.get(part)!.length, 1, part)
    const args = ['check', '-o', 'json', '--proxy-mode=ipvs,iptables']
    const { exitCode, stdout, stderr } = await runProgram(args, { through })
    t.equal(exitCode, 0, stderr)
    const { modes, programs, chosenMode } = JSON.parse(stdout) as NodeReport
    t.equal(chosenMode, 'ipvs')
    t.match(
      modes.find(({ mode }) => mode === 'ipvs'),
      { works: true, missing: [] },
    )
    for (const name of ['ipvsadm', 'ipset', 'ip'])
      t.match(programs.find(({ program }) => program === name)?.version, /\d/, name)
    t.strictSame(await readKernelState(network.node), before)
  })

  await t.test('on a node where ipvs mode has served, the check leaves what the mode has', async t => {
    await run(OF_IPVS_MODE)
    const before = await readKernelState(network.node)
    const { exitCode, stdout } = await runProgram(['check', '--proxy-mode=ipvs'], { through })
    t.equal(exitCode, 0)
    t.match(stdout, /(✓|ok) mode ipvs works/)
    t.match(stdout, /would run in mode ipvs\./)
    t.strictSame(await readKernelState(network.node), before)
  })
})
