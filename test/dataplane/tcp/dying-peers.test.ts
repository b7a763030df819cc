import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Outcome } from '../../support/dataplane/dying-peers-entry.js'
import { NodeNetwork, namespacesUnavailable } from '../../support/nodes/node-network.js'

const DYING_PEERS = fileURLToPath(new URL('../../support/dataplane/dying-peers-entry.js', import.meta.url))
/** Keep-alives take 11 s to find that a peer is gone. */
const TIMEOUT_MS = 120_000

// All wait for keep-alives most of the time.
t.jobs = 2

async function killPeers(t: Test, way: string): Promise<Outcome[]> {
  const network = await NodeNetwork.create(t)
  const pod = await network.addPod()
  const { stdout, stderr } = await network.node.run(
    'env',
    ['-u', 'NODE_OPTIONS', process.execPath, DYING_PEERS, way, pod.namespace.name],
    { timeoutMs: TIMEOUT_MS },
  )
  t.equal(stderr, '')
  return JSON.parse(stdout) as Outcome[]
}

for (const [way, name] of [
  ['list', 'with the list of the kernel'],
  ['late list', 'without the list of the kernel'],
] as const)
  t.test(
    `the end of a peer that dies while it is held back is an end only if the peer had finished sending (${name})`,
    { skip: namespacesUnavailable, buffered: true },
    async t => {
      const outcomes = await killPeers(t, way)
      t.equal(outcomes.length, 4)
      for (const { name, finishes, sent, received, end } of outcomes) {
        t.equal(end, finishes ? 'end' : 'ECONNRESET', name)
        t.equal(received, sent, `${name}: all bytes arrive`)
      }
    },
  )

t.test(
  'when the other side never takes the last bytes of a peer that has died, the connection ends as a half-closed one',
  { skip: namespacesUnavailable, buffered: true },
  async t => {
    const outcomes = await killPeers(t, 'unread')
    t.equal(outcomes.length, 2)
    for (const { name, sent, received, wasDropped } of outcomes) {
      // Not what this side reads: after the last bytes, libuv reports an end even if a reset follows them.
      t.ok(wasDropped, `${name}: with a reset`)
      t.ok(received < sent, `${name}: ${received} of ${sent} bytes had arrived`)
    }
  },
)
