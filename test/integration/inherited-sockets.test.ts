import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import t from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { childrenOf, workersOf } from '../support/processes/children-of.js'
import { HeldProgram } from '../support/processes/held-program.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'in other modes no socket serves Services')
const MORE = { clusterIP: '10.96.0.20', port: 80 }
/** The state of a listening socket in /proc/net/tcp. */
const LISTEN = '0A'

/** The sockets that a process has, by inode; none if it has exited. */
function socketsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`
  return orNone(() => readdirSync(folder)).flatMap(fd =>
    orNone(() => /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.slice(1) ?? []),
  )
}

/** A process may exit, or close a descriptor, while it is looked at. */
function orNone(read: () => string[]): string[] {
  try {
    return read()
  } catch {
    return []
  }
}

function commandOf(pid: number): readonly string[] {
  return orNone(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'))
}

t.test(
  'of all processes that a proxy starts, only workers have sockets on which clients can wait',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, ['--data-plane-workers=2', '--on-exit=kernel'])
    // A program that writes rules is there to be looked at: it waits.
    const restore = new HeldProgram(t, await node.restoreProgram(), MORE.clusterIP)
    const proxy = await node.start([], restore.env)
    const control = proxy.child.pid!
    node.write(node.ips, makeServiceManifest('more', MORE), makeSliceManifest('more', node.ips, 8080))
    const isRestore = (pid: number): boolean => commandOf(pid).some(word => word.endsWith('-restore'))
    await waitUntil(() => childrenOf(control).some(isRestore), 'a program writes rules')

    const listening = new Set(
      readFileSync(`/proc/${control}/net/tcp`, 'utf8')
        .split('\n')
        .map(line => line.trim().split(/\s+/))
        .flatMap(([, , , state, , , , , , inode]) => (state === LISTEN ? [inode!] : [])),
    )
    const listeningOf = (pid: number): readonly string[] => socketsOf(pid).filter(inode => listening.has(inode))
    const workers = workersOf(control)
    t.equal(workers.length, 2)
    for (const worker of workers) t.ok(listeningOf(worker).length > 0, 'each worker listens')
    const others = childrenOf(control).filter(pid => !workers.includes(pid))
    t.ok(others.length >= 2, 'the failover process and the program run')
    for (const pid of others) t.strictSame(listeningOf(pid), [], commandOf(pid).slice(0, 2).join(' '))
    restore.release()
    t.equal(await proxy.stop(), 0)
  },
)
