import { type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Test } from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { OwnPath } from '../support/processes/own-path.js'

const testFault = faultsOf('Programs of iptables')
const skip = namespacesUnavailable

const LATE = { clusterIP: '10.96.0.20', port: 80 }
const RESTORE_PROGRAMS = ['iptables-nft-restore', 'ip6tables-nft-restore']
const WRITTEN = /Synced rules" family="IPv4" changed=true/
const SAVE_PROGRAMS = ['iptables-nft-save', 'ip6tables-nft-save']

/** How a fault begins and ends, on a node with a PATH of its own. */
interface ProgramFault {
  readonly begin: (place: FaultyNode) => void | Promise<void>
  /** Resolves when the fault has had its effect. */
  readonly takesEffect: (place: FaultyNode) => Promise<unknown>
  readonly end: (place: FaultyNode) => void
  readonly mode?: string
  readonly backEnd?: 'nft' | 'legacy'
}

interface FaultyNode {
  readonly node: ServiceNode
  readonly path: OwnPath
  /** A folder for files of the test. */
  readonly folder: string
  readonly waitForLine: (pattern: RegExp) => Promise<string>
}

/** During the fault a Service is created, and in userspace mode the endpoints of another one change. */
async function measure(
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
  await fault.checkTraffic(traffic)
  t.equal(await proxy.stop(), 0)
}

/** The program reads its input and fails, as if the kernel had no memory. */
const FAILING: ProgramFault = {
  begin: ({ path }) => {
    for (const name of RESTORE_PROGRAMS)
      path.replace(name, 'cat > /dev/null; echo "$0: line 2 failed: Memory allocation problem." >&2; exit 4')
  },
  takesEffect: async ({ waitForLine }) => {
    await waitForLine(/Cannot write the rules.*family="IPv4".*retryMs=2000/)
  },
  end: ({ path }) => RESTORE_PROGRAMS.forEach(name => path.restore(name)),
}

/** The program does nothing until a file is gone. */
function hanging(): ProgramFault {
  const [hold, held] = ['hold', 'held']
  return {
    begin: ({ path, folder }) => {
      for (const name of RESTORE_PROGRAMS)
        path.replace(
          name,
          `touch ${join(folder, held)}; while [ -e ${join(folder, hold)} ]; do sleep 0.1; done; exec "$real" "$@"`,
        )
      writeFileSync(join(folder, hold), '')
    },
    takesEffect: async ({ folder }) => {
      await waitUntil(() => existsSync(join(folder, held)), 'the program hangs')
      await delay(10_000)
    },
    end: ({ folder }) => rmSync(join(folder, hold)),
  }
}

const MISSING: ProgramFault = {
  begin: ({ path }) => [...RESTORE_PROGRAMS, ...SAVE_PROGRAMS].forEach(name => path.remove(name)),
  takesEffect: async ({ waitForLine }) => {
    await waitForLine(/Cannot write the rules.*PROGRAM_MISSING.*family="IPv4".*retryMs=2000/)
  },
  end: ({ path }) => [...RESTORE_PROGRAMS, ...SAVE_PROGRAMS].forEach(name => path.restore(name)),
}

testFault(
  {
    fault: 'iptables-restore fails with exit code 4 (userspace mode)',
    promise: 'What was served is served. Changes of endpoints take effect; a new Service is served after the fault.',
    skip,
  },
  (t, fault) => measure(t, fault, FAILING),
)

testFault(
  {
    fault: 'iptables-restore fails with exit code 4 (iptables mode)',
    promise: 'What was served is served. A new Service is served after the fault.',
    skip,
  },
  (t, fault) => measure(t, fault, { ...FAILING, mode: 'iptables' }),
)

testFault(
  {
    fault: 'iptables-restore hangs for 10 s (userspace mode)',
    promise: 'What was served is served. Changes of endpoints take effect; a new Service is served after the fault.',
    skip,
  },
  (t, fault) => measure(t, fault, hanging()),
)

testFault(
  {
    fault: 'iptables-restore hangs for 10 s (iptables mode)',
    promise: 'What was served is served. A new Service is served after the fault.',
    skip,
  },
  (t, fault) => measure(t, fault, { ...hanging(), mode: 'iptables' }),
)

testFault(
  {
    fault: 'iptables-save and iptables-restore are missing, as while their package is upgraded (userspace mode)',
    promise: 'What was served is served. Changes of endpoints take effect; a new Service is served after the fault.',
    skip,
  },
  (t, fault) => measure(t, fault, MISSING),
)

testFault(
  {
    fault: 'iptables-save and iptables-restore are missing, as while their package is upgraded (iptables mode)',
    promise: 'What was served is served. A new Service is served after the fault.',
    skip,
  },
  (t, fault) => measure(t, fault, { ...MISSING, mode: 'iptables' }),
)

testFault(
  {
    fault: 'Another program holds the xtables lock for a minute (legacy tables)',
    promise: 'What was served is served. Changes of endpoints take effect; a new Service is served after the fault.',
    skip,
  },
  (t, fault) => {
    let holder: ChildProcess | undefined
    return measure(t, fault, {
      backEnd: 'legacy',
      begin: async ({ node, folder }) => {
        const lock = join(folder, 'xtables.lock')
        holder = node.network.start(node.network.node, 'flock', [lock, 'sh', '-c', 'echo held; read line'])
        await once(holder.stdout!, 'data')
      },
      // The proxy waits for five seconds each time, and tries again after a pause.
      takesEffect: async ({ waitForLine }) => {
        await Promise.all([waitForLine(/Cannot write the rules.*IPTABLES_LOCKED.*family="IPv4"/), delay(60_000)])
      },
      end: () => void holder!.stdin!.write('release\n'),
    })
  },
)
