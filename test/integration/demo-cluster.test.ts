import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { VERSION } from '../../lib/control/version.js'
import { EXAMPLE_SERVICE } from '../../lib/demo/example-objects.js'
import { modeByName } from '../../lib/modes/registry.js'
import { askProxy } from '../../lib/status/ask-proxy.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { startLab } from '../support/ask/start-lab.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { OwnPath } from '../support/processes/own-path.js'

const PORTS = 20

/** Ports 1001, 1002, … of the Service of the example. */
function ports(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    ...{ name: `p${index}`, port: 1001 + index, targetPort: 80, protocol: 'TCP' as const },
  }))
}

for (const mode of ['userspace', 'iptables'])
  t.test(
    `a change of a Service is in the rules when it resolves, though the proxy was still writing others (${mode} mode)`,
    { skip: namespacesUnavailable },
    async t => {
      const folder = t.testdir({})
      const [hold, held] = [join(folder, 'hold'), join(folder, 'held')]
      const { cluster } = await startLab(t, 'cluster')
      const path = new OwnPath(t)
      for (const name of ['iptables-nft-restore', 'iptables-legacy-restore'])
        path.replace(
          name,
          `if [ -e ${hold} ]; then touch ${held}; while [ -e ${hold} ]; do sleep 0.05; done; fi; exec "$real" "$@"`,
        )
      await cluster.restartProxy(modeByName(mode), path.env)
      const { node } = cluster.network
      const portsInRules = async (): Promise<number> => {
        const { stdout } = await node.run('iptables-save', ['-t', 'nat'])
        return new Set(stdout.match(/--dport 10\d\d\b/g)).size
      }
      await cluster.changeService(EXAMPLE_SERVICE.name, { ports: ports(1) })
      t.equal(await portsInRules(), 1)

      writeFileSync(hold, '')
      await node.run('iptables', ['-t', 'nat', '-F', 'PREROUTING'])
      await waitUntil(() => existsSync(held), 'the proxy puts back what is missing')
      const changed = cluster.changeService(EXAMPLE_SERVICE.name, { ports: ports(PORTS) })
      await waitUntil(async () => {
        const { items } = await askProxy<{ readonly items: readonly object[] }>(
          ...([cluster.statusSocket, 'services', { service: EXAMPLE_SERVICE.name }, VERSION] as const),
        )
        return items.length === PORTS
      }, 'the proxy knows the change')
      rmSync(hold)
      await changed
      t.equal(await portsInRules(), PORTS)
    },
  )
