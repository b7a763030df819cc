import t from 'tap'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const FLAGS = ['--on-exit=auto']

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'in other modes the kernel serves anyway')

for (const family of ['IPv4', 'IPv6'] as const)
  t.test(
    `a restart with the defaults refuses no new client, and open connections continue (${family})`,
    { skip },
    async t => {
      const node = await ServiceNode.create(t, FLAGS, family)
      const { client, web, dns } = node
      const first = await node.start()
      const idle = await node.connect()
      t.strictSame(await node.probe(), [200, 200, 200])
      const loads = await node.startLoads()
      const stopped = first.stop()
      await first.waitForLine(/Draining/)
      t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
      t.match(await client.udp(dns.clusterIP, dns.port), { answer: /^[ab] 5$/ })
      t.strictSame(await node.probe(), [503, 503, 200])
      t.equal(await idle.send('still here'), 'still here')
      first.child.kill('SIGTERM')
      t.equal(await stopped, 0)
      t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/, 'no proxy runs')
      const second = await node.start()
      t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
      await node.checkLoads(t, loads)
      t.equal(await second.stop(), 0)
    },
  )

t.test('where nothing takes over, a proxy serves new clients while it drains', { skip }, async t => {
  for (const [condition, flags, mayUseKernel] of [
    ['--on-exit=keep', ['--on-exit=keep'], true],
    ['--on-exit=cleanup', ['--on-exit=cleanup'], true],
    ['without what the rules of iptables mode need', [], false],
  ] as const)
    await t.test(condition, async t => {
      const node = await ServiceNode.create(t, FLAGS)
      const { client, web } = node
      // Userspace mode does not use this match.
      const faulty = new FaultyProgram(t, await node.restoreProgram(), 's/--mode random/--mode unknown/')
      const proxy = await node.start(flags, mayUseKernel ? process.env : faulty.env)
      const loads = await node.startLoads()
      const idle = await node.connect()
      const stopped = proxy.stop()
      await proxy.waitForLine(/"Nothing else serves: accepting new connections/)
      t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
      t.strictSame(await node.probe(), [503, 503, 200])
      if (mayUseKernel) {
        const from = proxy.lines.length
        node.write(node.ips.slice(1))
        await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/web\/TCP"/, from)
        for (let i = 0; i < 4; i++) t.equal(await client.tcp(web.clusterIP, web.port), 'b', 'it follows the endpoints')
      } else t.ok(proxy.lines.some(line => /"The kernel cannot serve while the proxy is down/.test(line)))
      await node.checkLoads(t, loads)
      t.equal(await idle.send('still here'), 'still here')
      idle.end()
      t.equal(await stopped, 0)
      t.match(proxy.lines.at(-1), /Drained|Cleaned up/, 'it ended with its last connection')
    })
})
