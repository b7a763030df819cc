import t from 'tap'
import {
  type VirtualServers,
  drainedRealServers,
  serverChanges,
  surplusRealServers,
} from '../../../lib/modes/ipvs/server-changes.js'
import { changeLine } from '../../../lib/system/ipvs-text.js'
import { type VirtualServer, serverKey } from '../../../lib/system/virtual-server.js'

/** @param realServerList addresses; `10.1.1.1-` has weight 0 */
function virtualServer(realServerList: string, given: Partial<VirtualServer> = {}): VirtualServer {
  const realServers = realServerList
    .split(' ')
    .filter(end => end !== '')
    .map(end => ({ address: end.replace('-', ''), port: 8080, weight: end.endsWith('-') ? 0 : 1 }))
  return {
    protocol: 'TCP',
    address: '10.96.0.10',
    port: 80,
    scheduler: 'rr',
    flags: '',
    persistenceSeconds: 0,
    realServers,
    ...given,
  }
}

function serversOf(...list: readonly VirtualServer[]): VirtualServers {
  return new Map(list.map(server => [serverKey(server), server]))
}

function changeLines(current: VirtualServers, desired: VirtualServers, mayDelete = (): boolean => true): string[] {
  const { changes, after } = serverChanges(current, desired, mayDelete)
  t.strictSame(serverChanges(after, desired, mayDelete).changes, [], 'a second call has nothing to change')
  return changes.map(changeLine)
}

void t.test('A server is added and deleted together with its real servers', t => {
  const desired = serversOf(
    virtualServer('10.1.1.1 10.1.1.2', { persistenceSeconds: 600, flags: 'mh-port', scheduler: 'mh' }),
  )
  t.strictSame(changeLines(new Map(), desired), [
    '-A -t 10.96.0.10:80 -s mh -p 600 -b mh-port',
    '-a -t 10.96.0.10:80 -r 10.1.1.1:8080 -m -w 1',
    '-a -t 10.96.0.10:80 -r 10.1.1.2:8080 -m -w 1',
  ])
  t.strictSame(changeLines(desired, new Map()), ['-D -t 10.96.0.10:80'])
  t.strictSame(changeLines(desired, desired), [])
  t.strictSame(
    changeLines(desired, new Map(), () => false),
    [],
    'a server of another program stays',
  )
  t.end()
})

void t.test('New real servers are added before old ones are removed, and old ones keep their connections', t => {
  const [before, after] = [serversOf(virtualServer('10.1.1.1 10.1.1.2')), serversOf(virtualServer('10.1.1.2 10.1.1.3'))]
  t.strictSame(changeLines(before, after), [
    '-a -t 10.96.0.10:80 -r 10.1.1.3:8080 -m -w 1',
    '-e -t 10.96.0.10:80 -r 10.1.1.1:8080 -m -w 0',
  ])
  t.strictSame(
    changeLines(serverChanges(before, after, () => true).after, before),
    ['-e -t 10.96.0.10:80 -r 10.1.1.1:8080 -m -w 1', '-e -t 10.96.0.10:80 -r 10.1.1.3:8080 -m -w 0'],
    'and back',
  )
  t.end()
})

void t.test('Real servers of UDP and SCTP are removed at once', t => {
  for (const [protocol, option] of [
    ['UDP', '-u'],
    ['SCTP', '--sctp-service'],
  ] as const) {
    const lines = changeLines(
      serversOf(virtualServer('10.1.1.1 10.1.1.2', { protocol })),
      serversOf(virtualServer('10.1.1.2', { protocol })),
    )
    t.strictSame(lines, [`-d ${option} 10.96.0.10:80 -r 10.1.1.1:8080`])
  }
  t.end()
})

void t.test('Settings are changed in place', t => {
  const [plain, sticky] = [
    serversOf(virtualServer('10.1.1.1')),
    serversOf(virtualServer('10.1.1.1', { persistenceSeconds: 60 })),
  ]
  t.strictSame(changeLines(plain, sticky), ['-E -t 10.96.0.10:80 -s rr -p 60'])
  t.strictSame(changeLines(sticky, plain), ['-E -t 10.96.0.10:80 -s rr'])
  t.end()
})

void t.test('A real server whose last connection has ended is removed, unless it is desired again', t => {
  const desired = serversOf(virtualServer('10.1.1.1'))
  const current = serverChanges(serversOf(virtualServer('10.1.1.1 10.1.1.2 10.1.1.3')), desired, () => true).after
  const observe = (busy: string, idle: string) =>
    new Map([
      [
        'TCP 10.96.0.10:80',
        {
          realServers: [
            ...virtualServer(busy).realServers.map(real => ({ ...real, connections: 2 })),
            ...virtualServer(idle).realServers.map(real => ({ ...real, connections: 0 })),
          ],
        },
      ],
    ])
  const one = drainedRealServers(observe('10.1.1.2-', '10.1.1.1 10.1.1.3-'), current, desired)
  t.strictSame(one.changes.map(changeLine), ['-d -t 10.96.0.10:80 -r 10.1.1.3:8080'])
  const both = drainedRealServers(observe('', '10.1.1.1 10.1.1.2-'), one.after, desired)
  t.strictSame(both.changes.map(changeLine), ['-d -t 10.96.0.10:80 -r 10.1.1.2:8080'])
  t.equal(both.after.get('TCP 10.96.0.10:80'), desired.get('TCP 10.96.0.10:80'), 'then it is the desired server')
  const again = serversOf(virtualServer('10.1.1.1 10.1.1.2 10.1.1.3'))
  t.strictSame(drainedRealServers(observe('', '10.1.1.2- 10.1.1.3-'), current, again).changes, [])
  t.end()
})

void t.test(
  'A server that lacks what the kernel refuses is not taken for the desired one, and drains like others',
  t => {
    const desired = virtualServer('10.1.1.1 224.0.0.1')
    const key = serverKey(desired)
    const known = serversOf(virtualServer('10.1.1.1 10.1.1.2-'))
    t.strictSame(
      surplusRealServers(known.get(key)!, desired).map(({ address }) => address),
      ['10.1.1.2'],
    )
    const observe = (ends: string) => {
      const server = virtualServer(ends)
      return new Map([[key, { realServers: server.realServers.map(real => ({ ...real, connections: 0 })) }]])
    }
    const { changes, after } = drainedRealServers(observe('10.1.1.1 10.1.1.2-'), known, serversOf(desired))
    t.strictSame(changes.map(changeLine), ['-d -t 10.96.0.10:80 -r 10.1.1.2:8080'])
    t.strictSame(after.get(key), virtualServer('10.1.1.1'))
    for (const present of [
      virtualServer('10.1.1.1 10.1.1.2'),
      virtualServer('10.1.1.1 224.0.0.1', { scheduler: 'lc' }),
    ])
      t.strictSame(drainedRealServers(observe(''), serversOf(present), serversOf(desired)).after.get(key), present)
    t.end()
  },
)
