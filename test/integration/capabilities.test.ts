import { once } from 'node:events'
import { chmodSync, readFileSync } from 'node:fs'
import t from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { ManifestFolder, makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'

const LOG_TIMEOUT_MS = 20_000 * TIMEOUT_FACTOR
const WEB = { clusterIP: '10.96.0.10', port: 80, nodePort: 30_080 }
const DNS = { clusterIP: '10.96.0.11', port: 53, protocol: 'UDP' } as const

/** The capabilities of SECURITY.md: what each mode needs with each back end of iptables, and no more. */
const NEEDED = [
  { mode: 'userspace', backEnd: 'nft', capabilities: ['net_admin'] },
  { mode: 'iptables', backEnd: 'nft', capabilities: ['net_admin'] },
  { mode: 'userspace', backEnd: 'legacy', capabilities: ['net_admin', 'net_raw'] },
  { mode: 'iptables', backEnd: 'legacy', capabilities: ['net_admin', 'net_raw'] },
] as const
const OTHER_USER = ['--reuid=65534', '--regid=65534', '--clear-groups']

t.test('A proxy with few capabilities', { skip: namespacesUnavailable }, async t => {
  for (const { mode, backEnd, capabilities } of NEEDED) {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    const folder = new ManifestFolder(t)
    folder.write(
      makeServiceManifest('web', WEB),
      makeSliceManifest('web', [server.ip], 8080),
      makeServiceManifest('dns', DNS),
      makeSliceManifest('dns', [server.ip], 5353, 'UDP'),
    )
    // The hint of the kubelet decides which back end the proxy uses.
    if (backEnd === 'legacy') await network.node.run('iptables-legacy', ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'])
    const start = (allowed: readonly string[], asUser: 'root' | 'other' = 'root') => {
      const set = ['-all', ...allowed.map(name => `+${name}`)].join(',')
      // Another user than root has only capabilities that are ambient.
      const user = asUser === 'root' ? ['--ambient-caps=-all'] : [`--ambient-caps=${set}`, ...OTHER_USER]
      const child = network.start(network.node, 'setpriv', [
        ...[`--bounding-set=${set}`, `--inh-caps=${set}`, ...user, process.execPath, PROXY_PROGRAM],
        ...[
          '--manifests',
          folder.path,
          `--proxy-mode=${mode}`,
          '--hostname-override=this-node',
          '-v=2',
          '--on-exit=keep',
        ],
      ])
      const stop = async (): Promise<void> => {
        if (child.exitCode !== null || !child.kill('SIGTERM')) return
        await once(child, 'exit')
      }
      return { child, log: new ProgramLog(child, child.stderr!, LOG_TIMEOUT_MS), stop }
    }

    await t.test(`${mode} mode with ${backEnd} serves with ${capabilities.join(' and ')}`, async t => {
      const { log, stop } = start(capabilities)
      t.match(await log.waitFor(/"Using iptables"/), new RegExp(`backEnd="${backEnd}"`))
      await log.waitFor(/"Synced rules" family="IPv4"/)
      t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
      t.equal(await client.tcp(NODE_IP, WEB.nodePort), 'a')
      t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: /^a/ })
      t.notMatch(log.lines.join('\n'), /EPERM|Permission denied|not permitted/)
      await stop()
    })

    await t.test(`${mode} mode with ${backEnd} says what is missing without net_admin`, async () => {
      const { log, stop } = start(capabilities.filter(name => name !== 'net_admin'))
      await log.waitFor(/IPTABLES_FORBIDDEN/)
      await stop()
    })

    if (backEnd === 'nft') {
      await t.test(`${mode} mode with ${backEnd} serves as another user than root`, async t => {
        chmodSync(folder.path, 0o755)
        // Earlier proxies have kept their rules.
        await network.node.run('iptables-nft', ['-t', 'nat', '-F'])
        const { child, log, stop } = start(capabilities, 'other')
        await log.waitFor(/"Synced rules" family="IPv4"/)
        t.match(readFileSync(`/proc/${child.pid}/status`, 'utf8'), /^Uid:(\t65534){4}$/m)
        t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
        t.equal(await client.tcp(NODE_IP, WEB.nodePort), 'a')
        t.match(await client.udp(DNS.clusterIP, DNS.port), { answer: /^a/ })
        await stop()
      })
      continue
    }
    await t.test(`${mode} mode says without net_raw that it cannot see back end legacy`, async t => {
      const { log, stop } = start(capabilities.filter(name => name !== 'net_raw'))
      t.match(
        await log.waitFor(/cannot read the rules of the other iptables back end/),
        /using="nft" unreadable="legacy".*NET_RAW/,
      )
      await stop()
    })
  }
})
