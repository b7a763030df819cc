import { fileURLToPath } from 'node:url'
import t from 'tap'
import { NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'

const OWN_SOCKET = fileURLToPath(new URL('../support/dataplane/own-socket-entry.js', import.meta.url))

t.test(
  'a socket that the kernel has connected to itself counts as refused, and the next endpoint serves',
  { skip: namespacesUnavailable },
  async t => {
    const { node } = await NodeNetwork.create(t)
    const { stdout, stderr } = await node.run('env', ['-u', 'NODE_OPTIONS', process.execPath, OWN_SOCKET])
    t.equal(stderr, '')
    const expected = { TCP: ['ECONNRESET', 'pod'], UDP: ['nothing', 'pod'], ownSockets: 0 }
    t.strictSame(JSON.parse(stdout), { 'fast path': expected, 'public path': expected })
  },
)
