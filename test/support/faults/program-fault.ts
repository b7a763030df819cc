import { join } from 'node:path'
import { type Test } from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../api/manifests.js'
import { waitUntil } from '../dataplane/plane-under-test.js'
import { ServiceNode } from '../nodes/service-node.js'
import { OwnPath } from '../processes/own-path.js'
import { type FaultMeasurement } from './fault-measurement.js'

const LATE = { clusterIP: '10.96.0.20', port: 80 }
const WRITTEN = /Synced rules" family="IPv4" changed=true/

/** How a fault begins and ends, on a node with a PATH of its own. */
export interface ProgramFault {
  readonly begin: (place: FaultyNode) => void | Promise<void>
  /** Resolves when the fault has had its effect. */
  readonly takesEffect: (place: FaultyNode) => Promise<unknown>
  readonly end: (place: FaultyNode) => void
  readonly mode?: string
  readonly backEnd?: 'nft' | 'legacy'
}

/** A node whose programs a fault replaces. */
export interface FaultyNode {
  readonly node: ServiceNode
  readonly path: OwnPath
  /** A folder for files of the test. */
  readonly folder: string
  readonly waitForLine: (pattern: RegExp) => Promise<string>
}

/** During the fault a Service is created, and in userspace mode the endpoints of another one change. */
export async function measureProgramFault(
  t: Test,
  fault: FaultMeasurement,
  { begin, takesEffect, end, mode = 'userspace', backEnd = 'nft' }: ProgramFault,
): Promise<void> {
  const node = await ServiceNode.create(t, [`--proxy-mode=${mode}`])
  if (backEnd === 'legacy') await node.network.node.run('iptables-legacy', ['-t', 'mangle', '-N', 'KUBE-IPTABLES-HINT'])
  const path = new OwnPath(t)
  const folder = t.testdir()
  const proxy = await node.start([], { ...path.env, XTABLES_LOCKFILE: join(folder, 'xtables.lock') })
  t.match(proxy.lines.join('\n'), `backEnd="${backEnd}"`)
  const traffic = await node.startTraffic()
  const from = proxy.lines.length
  const place = { node, path, folder, waitForLine: (pattern: RegExp) => proxy.waitForLine(pattern, from) }
  fault.start()
  await begin(place)
  const late = [makeServiceManifest('late', LATE), makeSliceManifest('late', node.ips, 8080)]
  node.write(mode === 'userspace' ? node.ips.slice(1) : node.ips, ...late)
  await takesEffect(place)
  const { client, web } = node
  if (mode === 'userspace')
    await waitUntil(async () => {
      const answers = [await client.tcp(web.clusterIP, web.port), await client.tcp(web.clusterIP, web.port)]
      return answers.every(answer => answer === 'b')
    }, 'new connections go to the new endpoints')
  t.notMatch(proxy.lines.slice(from).join('\n'), WRITTEN)
  const recoveredFrom = proxy.lines.length
  end(place)
  fault.end()
  await fault.measureRecovery('a Service is served that was created meanwhile', async () => {
    const isWritten = () => proxy.lines.slice(recoveredFrom).some(line => WRITTEN.test(line))
    // The proxy tries again after 30 s at the latest: longer than a wait for a line may take.
    await waitUntil(isWritten, 'the rules are written')
    t.match(await client.tcp(LATE.clusterIP, LATE.port), /^[ab]$/)
  })
  // Not by the fault: the answer of an endpoint that is removed at this moment does not reach the client.
  await fault.checkTraffic(traffic, mode === 'userspace' ? { udpRequests: 1 } : {})
  t.equal(await proxy.stop(), 0)
}
