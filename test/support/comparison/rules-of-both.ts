import { type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LogLines } from '../../../lib/demo/log-lines.js'
import { programName } from '../../../lib/system/iptables-flavour.js'
import { apiNode } from '../api-objects.js'
import { InsideNode } from '../inside-node.js'
import { KernelRules } from '../kernel-rules.js'
import { NODE_IP, NodeNetwork, type Teardown } from '../node-network.js'
import { originalFlags, originalKubeProxy, writeKubeconfig } from '../original-kube-proxy.js'
import { PROXY_PROGRAM } from '../proxy-process.js'
import { CLUSTER_CIDR, LB_IP_OF_NODE, NODE_NAME, ZONE } from './compared-node.js'
import { type ComparedService } from './compared-service.js'
import { writeRulesOfKubelet } from './rules-of-kubelet.js'

/** How long each may take to write its rules, in milliseconds. */
const LIMIT_MS = 60_000

/** How both are started. */
export interface ComparedSettings {
  readonly flavour: 'nft' | 'legacy'
  readonly flags: readonly string[]
}

/** The rules in the kernels of two nodes, one for each proxy. */
export interface RulesOfBoth {
  readonly original: KernelRules
  readonly ours: KernelRules
}

/** A proxy that was started, and the line of its log that says that its rules are written. */
interface Started {
  readonly child: ChildProcess
  readonly written: RegExp
}

/** Starts both proxies, each on a node of its own, with the same objects and flags, and reads the rules that they wrote. */
export async function rulesOfBoth(
  t: Teardown,
  services: readonly ComparedService[],
  settings: ComparedSettings,
): Promise<RulesOfBoth> {
  const folder = mkdtempSync(join(tmpdir(), 'compared-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const flags = [`--cluster-cidr=${CLUSTER_CIDR}`, ...settings.flags]
  const [original, ours] = await Promise.all([
    writtenRules(t, services, settings, (network, url) => {
      const args = [...originalFlags('iptables', writeKubeconfig(folder, url), NODE_NAME), ...flags, '-v=4']
      const env = { ...process.env, PATH: `${pathTo(folder, settings.flavour)}:${process.env['PATH']}` }
      return { child: network.start(network.node, originalKubeProxy()!, args, env), written: /syncProxyRules took/ }
    }),
    writtenRules(t, services, settings, (network, url) => {
      const args = ['--proxy-mode=iptables', '--master', url, '--hostname-override', NODE_NAME, ...flags, '-v=3']
      const child = network.start(network.node, process.execPath, [PROXY_PROGRAM, ...args])
      return { child, written: /"Synced rules" family="IPv4" changed=true/ }
    }),
  ])
  return { original, ours }
}

async function writtenRules(
  t: Teardown,
  services: readonly ComparedService[],
  { flavour }: ComparedSettings,
  start: (network: NodeNetwork, url: string) => Started,
): Promise<KernelRules> {
  const network = await NodeNetwork.create(t)
  await network.node.configure(`address add ${LB_IP_OF_NODE}/32 dev eth0`)
  await writeRulesOfKubelet(network.node, flavour)
  const api = new InsideNode(network, 'api-server-inside')
  const url = await api.line()
  const node = apiNode(NODE_NAME, { zone: ZONE, addresses: [{ type: 'InternalIP', address: NODE_IP }] })
  await api.command({
    // As Kubernetes 1.20.
    serves: { 'discovery.k8s.io/v1': false, 'discovery.k8s.io/v1beta1': true, clusterIPSelector: false },
    put: [['nodes', node], ...services.flatMap(({ objects }) => objects)],
  })
  const { child, written } = start(network, url)
  await new LogLines(child, child.stderr!, LIMIT_MS).line(written)
  const { stdout } = await network.node.run(programName('IPv4', flavour, 'save'), [])
  return KernelRules.fromSaved(stdout)
}

/** A folder where the iptables without a flavour, which is all the original knows, is the one that is wanted. */
function pathTo(folder: string, flavour: ComparedSettings['flavour']): string {
  for (const action of [undefined, 'save', 'restore'] as const) {
    const wanted = programName('IPv4', flavour, action)
    writeFileSync(join(folder, programName('IPv4', 'plain', action)), `#!/bin/sh\nexec ${wanted} "$@"\n`, {
      mode: 0o755,
    })
  }
  return folder
}
