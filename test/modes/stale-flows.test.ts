import t from 'tap'
import { type ExpectedFlows, type FlowTarget, staleFlows } from '../../lib/modes/stale-flows.js'
import { type FlowEntry } from '../../lib/system/conntrack.js'

const LISTENER = { address: '192.168.50.1', port: 40000 }
const LOCAL_LISTENER = { address: '192.168.50.1', port: 40001 }
const LISTENER6 = { address: 'fd00:50::1', port: 40000 }
const DNS: FlowTarget = { protocol: 'UDP', address: '10.96.0.10', port: 53, replySources: [LISTENER] }
const NODE_PORT: FlowTarget = { protocol: 'UDP', address: undefined, port: 30053, replySources: [LISTENER] }

/** `10.96.0.10:53 > 192.168.50.1:40000`: sent to the first address, and the second one replies. */
function entry(text: string): FlowEntry {
  const [destination, replySource] = text.split(' > ').map(end => {
    const [, address, port] = /^\[?(.*?)\]?:(\d+)$/.exec(end)!
    return { address: address!, port: Number(port) }
  })
  const family = destination!.address.includes(':') ? 'IPv6' : 'IPv4'
  return {
    family,
    protocol: 'UDP',
    source: { address: '10.244.0.2', port: 5000 },
    destination: destination!,
    replySource: replySource!,
  }
}

void t.test('A UDP flow to a served address is stale if its replies do not come from an expected source', t => {
  const table: readonly (readonly [why: string, flow: string, stale: boolean, expected: Partial<ExpectedFlows>])[] = [
    ['an address with the same beginning', '10.96.0.100:53 > 192.168.50.1:39999', false, { targets: [DNS] }],
    ['no address is served', '10.96.0.10:53 > 192.168.50.1:39999', false, {}],

    [
      'an external IP that is the node\u2019s wins over the node port',
      '192.168.50.1:30053 > 192.168.50.1:40001',
      false,
      {
        targets: [NODE_PORT, { protocol: 'UDP', address: '192.168.50.1', port: 30053, replySources: [LOCAL_LISTENER] }],
      },
    ],

    ['removed and served again', '10.96.0.10:53 > 192.168.50.1:40000', false, { removed: [DNS], targets: [DNS] }],
    [
      'removed and served again, old proxy port',
      '10.96.0.10:53 > 192.168.50.1:39999',
      true,
      { removed: [DNS], targets: [DNS] },
    ],

    [
      'one of two listeners',
      '10.96.0.10:53 > 192.168.50.1:40001',
      false,
      { targets: [{ ...DNS, replySources: [LISTENER, LOCAL_LISTENER] }] },
    ],
    [
      'neither of two listeners',
      '10.96.0.10:53 > 192.168.50.1:40002',
      true,
      { targets: [{ ...DNS, replySources: [LISTENER, LOCAL_LISTENER] }] },
    ],
    [
      'listed twice: any of the sources',
      '10.96.0.10:53 > 192.168.50.1:40000',
      false,
      { targets: [DNS, { ...DNS, replySources: [LOCAL_LISTENER] }] },
    ],
    [
      'a listener on every address',
      '10.96.0.10:53 > 10.244.0.1:40000',
      false,
      { targets: [{ ...DNS, replySources: [{ address: '0.0.0.0', port: 40000 }] }] },
    ],
    [
      'a listener on every address, another port',
      '10.96.0.10:53 > 10.244.0.1:40001',
      true,
      { targets: [{ ...DNS, replySources: [{ address: '0.0.0.0', port: 40000 }] }] },
    ],
    [
      'a listener on every address of the other family',
      '10.96.0.10:53 > 10.244.0.1:40000',
      true,
      { targets: [{ ...DNS, replySources: [{ address: '::', port: 40000 }] }] },
    ],

    [
      'IPv6, present listener',
      '[fd00:96::a]:53 > [fd00:50::1]:40000',
      false,
      { targets: [{ protocol: 'UDP', address: 'fd00:96::a', port: 53, replySources: [LISTENER6] }] },
    ],
    [
      'IPv6, former listener',
      '[fd00:96::a]:53 > [fd00:50::1]:39999',
      true,
      { targets: [{ protocol: 'UDP', address: 'fd00:96::a', port: 53, replySources: [LISTENER6] }] },
    ],
  ]
  const nodeAddresses = new Set(['192.168.50.1', 'fd00:50::1'])
  for (const [why, flow, stale, expected] of table) {
    const flows = staleFlows([entry(flow)], { targets: [], removed: [], nodeAddresses, ...expected })
    t.equal(flows.length === 1, stale, `${why}: ${flow}`)
  }
  t.end()
})

void t.test('After a repair, flows without an answer are stale too, each by itself; answered ones stay', t => {
  const [answered, other] = [entry('10.96.0.10:53 > 192.168.50.1:40000'), entry('8.8.8.8:53 > 8.8.8.8:53')]
  const unanswered = { ...answered, source: { address: '10.244.0.3', port: 5001 }, isUnanswered: true } as const
  const wrong = { ...entry('10.96.0.10:53 > 192.168.50.1:39999'), isUnanswered: true } as const
  const syn = { ...unanswered, protocol: 'TCP' } as const
  const entries = [answered, { ...other, isUnanswered: true } as const, unanswered, wrong, syn]
  const expected = {
    targets: [DNS, { ...DNS, protocol: 'TCP' } as const],
    removed: [],
    nodeAddresses: new Set<string>(),
  }
  t.strictSame(staleFlows(entries, { ...expected, isRepair: true }), [{ ...unanswered, isAlone: true }, wrong, syn])
  t.strictSame(staleFlows(entries, expected), [wrong])
  t.end()
})

void t.test('Stale flows are returned as the same objects, in the same order', t => {
  const entries = [
    '10.96.0.10:53 > 192.168.50.1:39999',
    '8.8.8.8:53 > 8.8.8.8:53',
    '10.96.0.10:53 > 192.168.50.1:40000',
    '10.96.0.10:53 > 10.96.0.10:53',
  ].map(entry)
  const stale = staleFlows(entries, { targets: [DNS], removed: [], nodeAddresses: new Set() })
  t.strictSame(stale, [entries[0], entries[3]])
  t.equal(stale[0], entries[0])
  t.end()
})

void t.test('A TCP connection without an answer is compared with TCP addresses only', t => {
  const http = { ...DNS, protocol: 'TCP' } as const
  const syn = { ...entry('10.96.0.10:53 > 10.96.0.10:53'), protocol: 'TCP' } as const
  const expected = { removed: [], nodeAddresses: new Set<string>() }
  t.strictSame(staleFlows([syn], { ...expected, targets: [DNS] }), [])
  t.strictSame(staleFlows([syn], { ...expected, targets: [http] }), [syn])
  t.strictSame(staleFlows([{ ...syn, replySource: LISTENER }], { ...expected, targets: [http] }), [])
  t.end()
})
