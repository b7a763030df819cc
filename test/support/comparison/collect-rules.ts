import { type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ProgramLog } from '../../../lib/demo/program-log.js'
import { programName } from '../../../lib/system/iptables-back-end.js'
import { makeApiNode } from '../api/api-objects.js'
import { NodeProcess } from '../nodes/node-process.js'
import { MemoryTables } from '../kernel/memory-tables.js'
import { NODE_IP, NodeNetwork, type TeardownScope } from '../nodes/node-network.js'
import { originalFlags, originalProgram, writeKubeconfig } from '../processes/original-kube-proxy.js'
import { PROXY_PROGRAM } from '../processes/proxy-process.js'
import { CLUSTER_CIDR, NODE_LB_IP, NODE_NAME, ZONE } from './compared-node.js'
import { type ComparedService } from './compared-service.js'
import { writeKubeletRules } from './kubelet-rules.js'

/** How long to wait until a proxy has written its rules, in milliseconds. */
const SYNC_TIMEOUT_MS = 60_000

/** The settings of both proxies. */
export interface ComparedSettings {
  readonly backEnd: 'nft' | 'legacy'
  readonly flags: readonly string[]
}

/** The rules in the kernels of two nodes, one for each proxy. */
export interface ProxyRules {
  readonly original: MemoryTables
  readonly ours: MemoryTables
}

/** A running proxy, and the log line that shows that it has written its rules. */
interface StartedProxy {
  readonly child: ChildProcess
  readonly written: RegExp
}

/** Starts both proxies, each on a node of its own, with the same objects and flags, and reads the rules that they write. */
export async function collectRules(
  t: TeardownScope,
  services: readonly ComparedService[],
  settings: ComparedSettings,
): Promise<ProxyRules> {
  const folder = mkdtempSync(join(tmpdir(), 'compared-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const flags = [`--cluster-cidr=${CLUSTER_CIDR}`, ...settings.flags]
  const [original, ours] = await Promise.all([
    programRules(t, services, settings, (network, url) => {
      const args = [...originalFlags('iptables', writeKubeconfig(folder, url), NODE_NAME), ...flags, '-v=4']
      const env = { ...process.env, PATH: `${backEndPath(folder, settings.backEnd)}:${process.env['PATH']}` }
      return { child: network.start(network.node, originalProgram()!, args, env), written: /syncProxyRules took/ }
    }),
    programRules(t, services, settings, (network, url) => {
      const args = ['--proxy-mode=iptables', '--master', url, '--hostname-override', NODE_NAME, ...flags, '-v=3']
      const child = network.start(network.node, process.execPath, [PROXY_PROGRAM, ...args])
      return { child, written: /"Synced rules" family="IPv4" changed=true/ }
    }),
  ])
  return { original, ours }
}

async function programRules(
  t: TeardownScope,
  services: readonly ComparedService[],
  { backEnd }: ComparedSettings,
  start: (network: NodeNetwork, url: string) => StartedProxy,
): Promise<MemoryTables> {
  const network = await NodeNetwork.create(t)
  await network.node.configure(`address add ${NODE_LB_IP}/32 dev eth0`)
  await writeKubeletRules(network.node, backEnd)
  const api = new NodeProcess(network, 'api/api-server-entry')
  const url = await api.readLine()
  const node = makeApiNode(NODE_NAME, { zone: ZONE, addresses: [{ type: 'InternalIP', address: NODE_IP }] })
  await api.sendCommand({
    // Like Kubernetes 1.20.
    serves: { 'discovery.k8s.io/v1': false, 'discovery.k8s.io/v1beta1': true, clusterIPSelector: false },
    put: [['nodes', node], ...services.flatMap(({ objects }) => objects)],
  })
  const { child, written } = start(network, url)
  await new ProgramLog(child, child.stderr!, SYNC_TIMEOUT_MS).waitFor(written)
  const { stdout } = await network.node.run(programName('IPv4', backEnd, 'save'), [])
  return MemoryTables.fromIptablesSave(stdout)
}

/** A folder in which `iptables`, the only name that the original uses, is the requested variant. */
function backEndPath(folder: string, flavour: ComparedSettings['backEnd']): string {
  for (const action of [undefined, 'save', 'restore'] as const) {
    const program = programName('IPv4', flavour, action)
    writeFileSync(join(folder, programName('IPv4', 'plain', action)), `#!/bin/sh\nexec ${program} "$@"\n`, {
      mode: 0o755,
    })
  }
  return folder
}
