import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { type ServiceFamily, ServiceNode } from '../support/nodes/service-node.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { isInVm } from '../support/nodes/virtual-machine.js'
import { FOREIGN_CHANGE, GIVING_WAY, SERVING_AGAIN, countLines } from '../support/processes/hand-over-lines.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const FLAGS = ['--on-exit=auto', '--iptables-min-sync-period=50ms']

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'the tests choose the modes')
const options = { skip, timeout: 240_000 * TIMEOUT_FACTOR }

const PAIRS: readonly (readonly [string, string, ServiceFamily])[] = [
  ['userspace', 'userspace', 'IPv4'],
  ['userspace', 'userspace', 'IPv6'],
  ['userspace', 'iptables', 'IPv4'],
  ['iptables', 'userspace', 'IPv4'],
  ['iptables', 'iptables', 'IPv4'],
]
const IPVS_PAIRS: typeof PAIRS = [
  ['userspace', 'ipvs', 'IPv4'],
  ['ipvs', 'userspace', 'IPv4'],
  ['ipvs', 'ipvs', 'IPv4'],
]
/** In a virtual machine, the others would only take time. */
const CHOSEN_PAIRS = [...(isInVm ? [] : PAIRS), ...(ipvsUnavailable === false ? IPVS_PAIRS : [])]

t.test('a second copy takes over; when it ends, the first serves again; no client is refused', options, async t => {
  for (const [from, to, family] of CHOSEN_PAIRS)
    await t.test(`from ${from} to ${to} mode, ${family}`, async t => {
      const node = await ServiceNode.create(t, FLAGS, family)
      const { client, web, dns, ips } = node
      const first = await node.start([`--proxy-mode=${from}`])
      const early = await node.connect()
      const loads = await node.startLoads()
      const second = await node.start(['-v=4', `--proxy-mode=${to}`])
      t.equal(countLines(first, GIVING_WAY), 1)
      t.equal(await early.send('through the first'), 'through the first')
      await second.waitForLine(/"Serving healthz over HTTP"/)
      t.strictSame(await node.probe(), [200, 200, 200])
      t.match(await client.udp(dns.clusterIP, dns.port), { answer: /^[ab] 5$/ })
      const changedFrom = second.lines.length
      node.write(ips.slice(1))
      await second.waitForLine(/"(Listener updated|Synced rules)"/, changedFrom)
      // Long enough for checks of the rules in both, if the first one still made any. In kernel modes they are too rare.
      const checks = to === 'userspace' ? 2 : 0
      for (let check = 0, last = second.lines.length; check < checks; check++, last = second.lines.length)
        await second.waitForLine(new RegExp(`${node.synced.source} changed=false`), last)
      t.equal(
        countLines(first, FOREIGN_CHANGE) + countLines(second, FOREIGN_CHANGE),
        0,
        'neither takes rules of the other for damage',
      )
      t.equal(
        countLines(second, /^[EW].*(bind|PORT_UNAVAILABLE|EADDRINUSE)/),
        0,
        'ports are not asked for before they are free',
      )

      const resumedFrom = first.lines.length
      t.equal(await second.stop(), 0)
      await first.waitForLine(SERVING_AGAIN, resumedFrom)
      await first.waitForLine(node.synced, resumedFrom)
      t.equal(await client.tcp(web.clusterIP, web.port), 'b', 'it knows what has changed meanwhile')
      t.equal(await early.send('still through the first'), 'still through the first')
      await node.checkLoads(t, loads)
      if (from === 'userspace') {
        first.child.kill('SIGTERM')
        await first.waitForLine(/"Draining/, resumedFrom)
      }
      t.equal(await first.stop(), 0)
      t.equal(await client.tcp(web.clusterIP, web.port), 'b', 'the kernel serves')
    })
})
