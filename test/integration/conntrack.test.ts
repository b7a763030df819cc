import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'
import { type ExpectedFlows } from '../../lib/modes/stale-flows.js'
import { type FlowEntry } from '../../lib/system/conntrack.js'
import { NodeProcess } from '../support/nodes/node-process.js'
import { NODE_IP, NODE_IP6, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { FixedPortUdpClient } from '../support/pods/fixed-port-udp-client.js'

const hasConntrack = (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, 'conntrack')))
const skip =
  namespacesUnavailable || (hasConntrack ? false : 'needs the program "conntrack" (apt-get install conntrack)')

/** The addresses of each IP family. */
const FAMILIES = [
  { family: 'IPv4', program: 'iptables', node: NODE_IP, changes: '10.96.0.10', stays: '10.96.0.11' },
  { family: 'IPv6', program: 'ip6tables', node: NODE_IP6, changes: 'fd00:96::a', stays: 'fd00:96::b' },
] as const
type FamilyAddresses = (typeof FAMILIES)[number]

t.test('conntrack', { skip }, async t => {
  const network = await NodeNetwork.create(t)
  const [a, b] = [await network.addServer('a'), await network.addServer('b')]
  const client = new FixedPortUdpClient(network, (await network.addPod()).namespace)
  const inside = new NodeProcess(network, 'kernel/conntrack-entry')
  const command = async (what: object): Promise<unknown> => JSON.parse(await inside.sendCommand(what))
  const list = async ({ family }: FamilyAddresses) => (await command({ list: family })) as FlowEntry[]

  /** The rule that redirects a destination to a server's UDP port. */
  const rule = async (
    action: '-A' | '-D',
    { program }: FamilyAddresses,
    ip: string,
    port: number,
    to: string,
  ): Promise<void> => {
    const target = to.includes(':') ? `[${to}]:5353` : `${to}:5353`
    const match = ['-d', ip, '-p', 'udp', '--dport', String(port), '-j', 'DNAT', '--to-destination', target]
    const { exitCode, stderr } = await network.node.run(program, ['-t', 'nat', action, 'PREROUTING', ...match])
    if (exitCode !== 0) throw new Error(stderr)
  }
  const server = ({ family }: FamilyAddresses, which: typeof a): string => (family === 'IPv4' ? which.ip : which.ip6)

  /** Cleans up, and checks that exactly this entry was deleted. */
  const cleansJust = async (t: Test, of: FamilyAddresses, ip: string, port: number, flows: Partial<ExpectedFlows>) => {
    const before = await list(of)
    const stale = (await command({
      clean: of.family,
      flows: { targets: [], removed: [], ...flows },
      node: [of.node],
    })) as FlowEntry[]
    t.match(stale, [{ destination: { address: ip, port } }])
    t.equal(stale.length, 1)
    const after = await list(of)
    const gone = before.filter(entry => !after.some(left => JSON.stringify(left) === JSON.stringify(entry)))
    t.strictSame(gone, stale)
    return stale
  }

  for (const of of FAMILIES) {
    const { family, node, changes, stays } = of
    const [ipA, ipB] = [server(of, a), server(of, b)]
    const to = (address: string) => [{ address, port: 5353 }]
    const bystanders = [{ protocol: 'UDP' as const, address: stays, port: 53, replySources: to(ipB) }]

    await t.test(`${family}: a flow with another target in its rule is deleted, and no other flow is`, async t => {
      await rule('-A', of, changes, 53, ipA)
      await rule('-A', of, stays, 53, ipB)
      t.equal(await client.request(changes, 53), 'a 5')
      t.equal(await client.request(stays, 53), 'b 5')
      t.equal(await client.request(ipA, 5353), 'a 5', 'a flow to no Service')
      t.strictSame(
        (await list(of)).map(({ destination, replySource }) => [destination.address, replySource.address]).sort(),
        [
          [changes, ipA],
          [stays, ipB],
          [ipA, ipA],
        ].sort(),
      )
      await rule('-D', of, changes, 53, ipA)
      await rule('-A', of, changes, 53, ipB)
      t.equal(
        await client.request(changes, 53),
        'a 5',
        'the new rule alone has no effect on a client that keeps its port',
      )
      const targets = [{ protocol: 'UDP' as const, address: changes, port: 53, replySources: to(ipB) }, ...bystanders]
      const stale = await cleansJust(t, of, changes, 53, { targets })
      t.equal(await client.request(changes, 53), 'b 5')
      t.equal(await command({ remove: stale }), 'removed', 'deleting a missing flow is no failure')
      t.strictSame(
        await command({ clean: family, flows: { targets, removed: [] }, node: [node] }),
        [],
        'no flow is stale',
      )
    })

    await t.test(`${family}: a flow to an address that is no longer served is deleted`, async t => {
      await rule('-D', of, changes, 53, ipB)
      await cleansJust(t, of, changes, 53, {
        targets: bystanders,
        removed: [{ protocol: 'UDP', address: changes, port: 53 }],
      })
    })

    await t.test(`${family}: a flow to a NodePort that started before the rule is deleted`, async t => {
      await client.send(node, 30053)
      // The datagram is on its way: poll until it has arrived.
      while (!(await list(of)).some(({ destination }) => destination.port === 30053));
      await rule('-A', of, node, 30053, ipA)
      const targets = [
        { protocol: 'UDP' as const, address: undefined, port: 30053, replySources: to(ipA) },
        ...bystanders,
      ]
      await cleansJust(t, of, node, 30053, { targets })
      t.equal(await client.request(node, 30053), 'a 5')
    })
  }
  t.strictSame(await command({ warnings: true }), [])
})
