import { readFileSync } from 'node:fs'
import t from 'tap'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { type CapabilityNeed, LimitedNode } from '../support/processes/few-capabilities.js'

/** The capabilities of SECURITY.md: what each mode needs with each back end of iptables, and no more. */
const NEEDED: readonly CapabilityNeed[] = [
  { mode: 'userspace', backEnd: 'nft', capabilities: ['net_admin'] },
  { mode: 'iptables', backEnd: 'nft', capabilities: ['net_admin'] },
  { mode: 'userspace', backEnd: 'legacy', capabilities: ['net_admin', 'net_raw'] },
  { mode: 'iptables', backEnd: 'legacy', capabilities: ['net_admin', 'net_raw'] },
]

t.test('A proxy with few capabilities', { skip: namespacesUnavailable }, async t => {
  for (const need of NEEDED) {
    const { mode, backEnd } = need
    const node = await LimitedNode.create(t, need)
    await node.testServing(t)
    await node.testWithout(t, 'net_admin', /IPTABLES_FORBIDDEN/)
    await node.testCleanup(t)

    if (backEnd === 'nft') {
      await t.test(`${mode} mode with ${backEnd} serves as another user than root`, async t => {
        const { child, log, stop } = node.start(undefined, 'other')
        await log.waitFor(/"Synced rules" family="IPv4"/)
        t.match(readFileSync(`/proc/${child.pid}/status`, 'utf8'), /^Uid:(\t65534){4}$/m)
        await node.checkTraffic(t)
        await stop()
      })
      continue
    }
    await t.test(`${mode} mode says without net_raw that it cannot see back end legacy`, async t => {
      const { log, stop } = node.start('net_raw')
      t.match(
        await log.waitFor(/cannot read the rules of the other iptables back end/),
        /using="nft" unreadable="legacy".*NET_RAW/,
      )
      await stop()
    })
  }
})
