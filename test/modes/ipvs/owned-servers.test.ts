import t from 'tap'
import { ownedServers } from '../../../lib/modes/ipvs/owned-servers.js'
import { type ServerAddress } from '../../../lib/system/virtual-server.js'

const NODE = '192.168.50.1'

void t.test('Owned servers are those that an earlier process recorded in its set', t => {
  const servers: readonly ServerAddress[] = [
    { protocol: 'TCP', address: '10.96.0.10', port: 80 },
    { protocol: 'TCP', address: '10.96.0.11', port: 80 },
    { protocol: 'TCP', address: NODE, port: 30080 },
    { protocol: 'TCP', address: NODE, port: 443 },
    { protocol: 'TCP', address: '192.0.2.1', port: 30080 },
  ]
  const set = (...entries: readonly string[]) => ({ header: '', entries: new Set(entries) })
  const addresses = new Set(['10.96.0.10', '10.96.0.11'])
  const recorded = new Map([['KUBE-IPVS-SERVERS', set('10.96.0.10,tcp:80', '192.168.50.1,tcp:30080')]])
  t.strictSame(
    [...ownedServers({ servers, sets: recorded, addresses }, 'IPv4', [NODE])],
    ['TCP 10.96.0.10:80', 'TCP 192.168.50.1:30080'],
  )
  const ofKubeProxy = new Map([['KUBE-NODE-PORT-TCP', set('30080')]])
  t.strictSame(
    [...ownedServers({ servers, sets: ofKubeProxy, addresses }, 'IPv4', [NODE])],
    ['TCP 10.96.0.10:80', 'TCP 10.96.0.11:80', 'TCP 192.168.50.1:30080'],
    'after kube-proxy: by its dummy interface and its node ports',
  )
  t.strictSame([...ownedServers({ servers, sets: new Map(), addresses: new Set() }, 'IPv4', [NODE])], [])
  t.end()
})
