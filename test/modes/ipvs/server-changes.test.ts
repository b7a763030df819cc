import t from 'tap'
import { ownedServers } from '../../../lib/modes/ipvs/owned-servers.js'
import { type VirtualServers, serverChanges, drainedRealServers } from '../../../lib/modes/ipvs/server-changes.js'
import { changeLine } from '../../../lib/system/ipvs-text.js'
import { type VirtualServer, serverKey } from '../../../lib/system/virtual-server.js'

/** `[weight 0]` is written `10.1.1.1-`. */
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
  return new Map(list.map(one => [serverKey(one), one]))
}

function changeLines(has: VirtualServers, wanted: VirtualServers, mayDelete = (): boolean => true): string[] {
  const { changes, after } = serverChanges(has, wanted, mayDelete)
  t.strictSame(serverChanges(after, wanted, mayDelete).changes, [], 'done once, nothing is left to do')
  return changes.map(changeLine)
}

void t.test('A server comes with its real servers, and goes with them', t => {
  const wanted = serversOf(
    virtualServer('10.1.1.1 10.1.1.2', { persistenceSeconds: 600, flags: 'mh-port', scheduler: 'mh' }),
  )
  t.strictSame(changeLines(new Map(), wanted), [
    '-A -t 10.96.0.10:80 -s mh -p 600 -b mh-port',
    '-a -t 10.96.0.10:80 -r 10.1.1.1:8080 -m -w 1',
    '-a -t 10.96.0.10:80 -r 10.1.1.2:8080 -m -w 1',
  ])
  t.strictSame(changeLines(wanted, new Map()), ['-D -t 10.96.0.10:80'])
  t.strictSame(changeLines(wanted, wanted), [])
  t.strictSame(
    changeLines(wanted, new Map(), () => false),
    [],
    'one that is not ours stays',
  )
  t.end()
})

void t.test('New real servers come before old ones go, and those keep their connections', t => {
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

void t.test('Real servers of UDP and SCTP go at once', t => {
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

void t.test('A real server whose last connection has ended is removed, unless it is wanted again', t => {
  const wanted = serversOf(virtualServer('10.1.1.1'))
  const has = serverChanges(serversOf(virtualServer('10.1.1.1 10.1.1.2 10.1.1.3')), wanted, () => true).after
  const found = (busy: string, idle: string) =>
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
  const one = drainedRealServers(found('10.1.1.2-', '10.1.1.1 10.1.1.3-'), has, wanted)
  t.strictSame(one.changes.map(changeLine), ['-d -t 10.96.0.10:80 -r 10.1.1.3:8080'])
  const both = drainedRealServers(found('', '10.1.1.1 10.1.1.2-'), one.after, wanted)
  t.strictSame(both.changes.map(changeLine), ['-d -t 10.96.0.10:80 -r 10.1.1.2:8080'])
  t.equal(both.after.get('TCP 10.96.0.10:80'), wanted.get('TCP 10.96.0.10:80'), 'then it is as it is wanted')
  const again = serversOf(virtualServer('10.1.1.1 10.1.1.2 10.1.1.3'))
  t.strictSame(drainedRealServers(found('', '10.1.1.2- 10.1.1.3-'), has, again).changes, [])
  t.end()
})

void t.test('Servers are known as ours by what an earlier process wrote down', t => {
  const servers = [
    virtualServer('', { address: '10.96.0.10' }),
    virtualServer('', { address: '10.96.0.11' }),
    virtualServer('', { address: '192.168.50.1', port: 30080 }),
    virtualServer('', { address: '192.168.50.1', port: 443 }),
    virtualServer('', { address: '192.0.2.1', port: 30080 }),
  ]
  const set = (...entries: readonly string[]) => ({ header: '', entries: new Set(entries) })
  const addresses = new Set(['10.96.0.10', '10.96.0.11'])
  const booked = new Map([['KUBE-IPVS-SERVERS', set('10.96.0.10,tcp:80', '192.168.50.1,tcp:30080')]])
  t.strictSame(
    [...ownedServers({ servers, sets: booked, addresses }, 'IPv4', ['192.168.50.1'])],
    ['TCP 10.96.0.10:80', 'TCP 192.168.50.1:30080'],
  )
  const original = new Map([['KUBE-NODE-PORT-TCP', set('30080')]])
  t.strictSame(
    [...ownedServers({ servers, sets: original, addresses }, 'IPv4', ['192.168.50.1'])],
    ['TCP 10.96.0.10:80', 'TCP 10.96.0.11:80', 'TCP 192.168.50.1:30080'],
    'after kube-proxy, by its interface and its node ports',
  )
  t.strictSame([...ownedServers({ servers, sets: new Map(), addresses: new Set() }, 'IPv4', ['192.168.50.1'])], [])
  t.end()
})
