import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import t, { type Test } from 'tap'
import { MODES } from '../../lib/modes/registry.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import {
  type Installer,
  makeCertificate,
  readInstallers,
  startInstalled,
} from '../support/processes/installed-proxy.js'

const WEB = { clusterIP: '10.96.0.10', port: 80 }
/** Asks, as the kubelet does, until the proxy says that it serves: before that, the rules of an earlier one may serve. */
const WAIT_UNTIL_READY = `
  const ask = () => fetch('http://127.0.0.1:10256/readyz').then(({ ok }) => ok, () => false)
  while (!(await ask())) await new Promise(resolve => setTimeout(resolve, 50))`
const READY_TIMEOUT_MS = 60_000
const skip =
  namespacesUnavailable || (spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed')

/** Modes that this node or this version does not have, and what the program then says. */
const IMPOSSIBLE: readonly (readonly [mode: string, isImpossible: boolean, message: RegExp])[] = [
  ['ipvs', ipvsUnavailable !== false, /Cannot serve in mode "ipvs" on this node/],
  ['nftables', MODES.every(({ name }) => name !== 'nftables'), /this version has no nftables mode/],
]

/** A node with an API server at 127.0.0.1:6443 that knows it under the names that the installers use. */
async function createCluster(t: Test, installers: readonly Installer[]) {
  const network = await NodeNetwork.create(t)
  const tls = makeCertificate(t)
  const api = new NodeProcess(network, 'api/api-server-entry', ['6443', tls.key, tls.certificate])
  await api.readLine()
  const server = await network.addServer('a')
  const names = installers.map(({ command }) => nodeNameIn(command.join(' ')) ?? hostname().toLowerCase())
  await api.sendCommand({
    put: [
      ...[...new Set(names)].map(name => ['nodes', nodeObject(name)]),
      ['services', serviceObject()],
      ['endpointslices', sliceObject(server.ip)],
    ],
  })
  const client = new NetworkClient(network, (await network.addPod()).namespace)
  return { network, tls, client }
}

function nodeNameIn(command: string): string | undefined {
  return /--hostname-override=(\S+)/.exec(command)?.[1]
}

const nodeObject = (name: string) => ({
  metadata: { name },
  spec: { podCIDRs: ['10.244.0.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: NODE_IP }] },
})
const serviceObject = () => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { type: 'ClusterIP', clusterIP: WEB.clusterIP, clusterIPs: [WEB.clusterIP], ports: [{ port: WEB.port }] },
})
const sliceObject = (ip: string) => ({
  metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080 }],
  endpoints: [{ addresses: [ip] }],
})

t.test('every installer starts the program unchanged', { skip }, async t => {
  const installers = readInstallers()
  t.ok(installers.length >= 9, `${installers.length} installers`)
  const { network, tls, client } = await createCluster(t, installers)
  for (const installer of installers) {
    const text = [...installer.command, ...Object.values(installer.files)].join('\n')
    const impossible = IMPOSSIBLE.find(([mode, isImpossible]) =>
      isImpossible ? new RegExp(`(--proxy-mode=|^ *mode: "?)${mode}\\b`, 'm').test(text) : false,
    )
    await t.test(
      `${installer.name}: ${impossible === undefined ? 'serves' : `says that ${impossible[0]} mode is not possible`}`,
      async t => {
        const { child, log } = startInstalled(t, network, installer, tls)
        const ended = once(child, 'exit') as Promise<[number | null]>
        if (impossible === undefined) {
          const args = ['--input-type=module', '--eval', WAIT_UNTIL_READY]
          const ready = network.node.run(process.execPath, args, { timeoutMs: READY_TIMEOUT_MS })
          const first = await Promise.race([ready.then(({ exitCode }) => exitCode), ended])
          t.equal(first, 0, log.lines.join('\n'))
          t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
          child.kill('SIGTERM')
          t.equal((await ended)[0], 0)
        } else {
          t.equal((await ended)[0], 1)
          t.match(log.lines.join('\n'), impossible[2])
        }
        // Nothing in these files is a mistake, unknown, or beside --config without effect.
        const complaints = log.lines.filter(line => /CONFIG_INVALID|Unknown field|without effect beside/.test(line))
        t.same(impossible?.[0] === 'nftables' ? [] : complaints, [])
      },
    )
  }
})
