import { type Test } from 'tap'
import { NetworkClient, NodeNetwork } from '../nodes/node-network.js'
import { type Installer, impossibleModeOf, startInstalled, startInstallerApi } from './installed-proxy.js'

/** The Service of the cluster. */
export const WEB = { clusterIP: '10.96.0.10', port: 80 }

/** A node with an API server at 127.0.0.1:6443 that knows it under the names that the installers use. */
export async function createInstallerCluster(t: Test, installers: readonly Installer[]) {
  const network = await NodeNetwork.create(t)
  const server = await network.addServer('a')
  const tls = await startInstallerApi(t, network, installers, {
    services: [serviceObject()],
    endpointslices: [sliceObject(server.ip)],
  })
  const client = new NetworkClient(network, (await network.addPod()).namespace)
  return { network, tls, client }
}

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

/**
 * Starts each installer by itself: it serves, or says that its mode is not possible on this node.
 * @param named installers that must be among those that serve
 */
export async function testInstallers(
  t: Test,
  installers: readonly Installer[],
  named: readonly string[],
): Promise<void> {
  const served: string[] = []
  const { network, tls, client } = await createInstallerCluster(t, installers)
  for (const installer of installers) {
    const impossible = impossibleModeOf(installer)
    await t.test(
      `${installer.name}: ${impossible === undefined ? 'serves' : `says that ${impossible.mode} mode is not possible`}`,
      async t => {
        const { child, ended, log, ready } = startInstalled(t, network, installer, tls)
        if (impossible === undefined) {
          t.equal(await ready(), 0, log.lines.join('\n'))
          const answer = await client.tcp(WEB.clusterIP, WEB.port)
          t.equal(answer, 'a')
          if (answer === 'a') served.push(installer.name)
          child.kill('SIGTERM')
          t.equal(await ended, 0)
        } else {
          t.equal(await ended, 1)
          t.match(log.lines.join('\n'), impossible.message)
        }
        // Nothing in these files is a mistake, unknown, or beside --config without effect.
        const complaints = log.lines.filter(line => /CONFIG_INVALID|Unknown field|without effect beside/.test(line))
        t.same(impossible?.mode === 'nftables' ? [] : complaints, [])
      },
    )
  }
  for (const name of named) t.ok(served.includes(name), `${name} is among those that serve: ${served.join(', ')}`)
}
