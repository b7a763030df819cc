/**
 * Measures the CPU time of proxies at rest, with what they run: `npm run bench -- rest [SERVICES] [ENDPOINTS] [SECONDS]`. Proxies in all
 * modes that need no module, with both back ends of iptables, are measured at the same time. Needs root. Everything runs in its own
 * network namespaces.
 */
import { makeServiceManifest, makeSliceManifest } from '../../test/support/api/manifests.js'
import { NODE_IP, NodeNetwork, type TeardownScope } from '../../test/support/nodes/node-network.js'
import { NodeProcess } from '../../test/support/nodes/node-process.js'
import { ProxyProcess } from '../../test/support/processes/proxy-process.js'
import { readNumbers } from './read-numbers.js'
import { CleanupStack } from './cleanup-stack.js'
import { ProcessTree } from './measure/process-tree.js'

const [services, endpoints, seconds] = readNumbers('rest', { services: 1000, endpoints: 10, seconds: 60 }) as [
  number,
  number,
  number,
]
const ROUNDS = 3
const NODE_NAME = 'bench-node'
/** Until engines have compiled and collected what the start has left, and the monitors work. */
const SETTLE_MS = 30_000
const VARIANTS = ['userspace', 'iptables'].flatMap(mode => ['nft', 'legacy'].map(backEnd => ({ mode, backEnd })))

const clusterIP = (n: number): string => `10.96.${1 + (n >> 8)}.${n & 255}`
const podIP = (n: number): string => `10.244.${n >> 8}.${n & 255}`

await CleanupStack.run(async (t: TeardownScope) => {
  const proxies = await Promise.all(
    VARIANTS.map(async variant => ({ ...variant, tree: new ProcessTree([await startProxy(t, variant)]) })),
  )
  await pause(SETTLE_MS)
  const shares = proxies.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) {
    const before = proxies.map(({ tree }) => tree.cpuSeconds())
    await pause(1000 * seconds)
    for (const [index, { tree }] of proxies.entries())
      shares[index]!.push((100 * (tree.cpuSeconds() - before[index]!)) / seconds)
  }
  for (const [index, { mode, backEnd }] of proxies.entries()) {
    const sorted = shares[index]!.sort((a, b) => a - b).map(share => share.toFixed(2))
    process.stdout.write(
      `${mode} mode, ${backEnd}, ${services} Services x ${endpoints}: ${sorted[ROUNDS >> 1]} % of a CPU at rest ` +
        `(${ROUNDS} times ${seconds} s: ${sorted.join(', ')})\n`,
    )
  }
})

/** Starts a proxy that reads from an API server. @returns its process id, once it has written its rules */
async function startProxy(t: TeardownScope, { mode, backEnd }: (typeof VARIANTS)[number]): Promise<number> {
  const network = await NodeNetwork.create(t)
  const api = new NodeProcess(network, 'api/api-server-entry')
  const url = await api.readLine()
  const put = Array.from({ length: services }, (_, n) => {
    const ips = Array.from({ length: endpoints }, (_, e) => podIP(n * endpoints + e + 2))
    return [
      ['services', makeServiceManifest(`web-${n}`, { clusterIP: clusterIP(n), port: 80 })],
      ['endpointslices', makeSliceManifest(`web-${n}`, ips, 8080)],
    ]
  }).flat()
  const node = { metadata: { name: NODE_NAME }, status: { addresses: [{ type: 'InternalIP', address: NODE_IP }] } }
  await api.sendCommand({ put: [...put, ['nodes', node]] })
  if (backEnd === 'legacy') await network.node.run('iptables-legacy', ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'])
  const args = ['--master', url, '--hostname-override', NODE_NAME]
  const proxy = new ProxyProcess(network, args, process.env, network.node, mode)
  for (const family of ['IPv4', 'IPv6'])
    await proxy.waitForLine(new RegExp(`"Synced rules" family="${family}" changed=true`))
  return proxy.child.pid!
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
