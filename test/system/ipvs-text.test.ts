import t from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { type DummyInterface } from '../../lib/system/dummy-interface.js'
import { type IpSets } from '../../lib/system/ip-sets.js'
import { type Ipvs } from '../../lib/system/ipvs.js'
import { ipvsFailure } from '../../lib/system/ipvs-failure.js'
import { probeIpvs } from '../../lib/system/probe-ipvs.js'
import { parseIpvsText } from '../../lib/system/ipvs-text.js'
import { applyIpvsSettings, ipvsSettings } from '../../lib/system/ipvs-settings.js'

/** Printed by ipvsadm 1.31. */
const PRINTED = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.96.0.10:80 wrr persistent 77
  -> 10.1.1.2:8080                Masq    0      3          4         
TCP  10.96.0.12:99 sh (sh-port)
FWM  7 rr
  -> 10.1.1.9:0                   Route   1      0          0         
UDP  10.96.0.10:53 lc persistent 600
  -> 10.1.1.1:53                  Masq    1      0          0         
SCTP 10.96.0.10:99 mh (mh-port)
TCP  [fd00::10]:80 rr persistent 300
  -> [fd01::1]:8080               Masq    1      0          0         
`

void t.test('What ipvsadm prints is read', t => {
  t.strictSame(parseIpvsText(PRINTED), [
    {
      protocol: 'TCP',
      address: '10.96.0.10',
      port: 80,
      scheduler: 'wrr',
      flags: '',
      persistenceSeconds: 77,
      realServers: [{ address: '10.1.1.2', port: 8080, weight: 0, connections: 7 }],
    },
    {
      protocol: 'TCP',
      address: '10.96.0.12',
      port: 99,
      scheduler: 'sh',
      flags: 'sh-port',
      persistenceSeconds: 0,
      realServers: [],
    },
    {
      protocol: 'UDP',
      address: '10.96.0.10',
      port: 53,
      scheduler: 'lc',
      flags: '',
      persistenceSeconds: 600,
      realServers: [{ address: '10.1.1.1', port: 53, weight: 1, connections: 0 }],
    },
    {
      protocol: 'SCTP',
      address: '10.96.0.10',
      port: 99,
      scheduler: 'mh',
      flags: 'mh-port',
      persistenceSeconds: 0,
      realServers: [],
    },
    {
      protocol: 'TCP',
      address: 'fd00::10',
      port: 80,
      scheduler: 'rr',
      flags: '',
      persistenceSeconds: 300,
      realServers: [{ address: 'fd01::1', port: 8080, weight: 1, connections: 0 }],
    },
  ])
  t.strictSame(parseIpvsText(''), [])
  t.end()
})

void t.test('What ipvsadm says against it is told by kind, with what to do', t => {
  for (const [said, code] of [
    ["Can't initialize ipvs: Protocol not available\nAre you sure that IP Virtual Server is built in?", 'IPVS_ABSENT'],
    [
      "Can't initialize ipvs: Permission denied (you must be root)\nAre you sure that it is built in?",
      'IPVS_FORBIDDEN',
    ],
    ['Scheduler or persistence engine not found', 'IPVS_ABSENT'],
    ['No such destination', 'IPVS_FAILED'],
  ] as const) {
    const failure = ipvsFailure(said, '"ipvsadm -L -n" failed')
    t.equal(failure.code, code)
    t.match(failure.message, said.split('\n')[0])
    t.type(failure.hint, 'string')
  }
  t.end()
})

void t.test('Settings of the kernel are asked for; one that is refused is a warning that says what it means', t => {
  const names = (kernel: string, strict: boolean): string[] => ipvsSettings(kernel, strict).map(({ file }) => file)
  t.notOk(names('5.9.0-1-amd64', false).includes('vs/conn_reuse_mode'))
  t.ok(names('5.8.18', false).includes('vs/conn_reuse_mode'))
  t.ok(names('4.19.0', false).includes('vs/conn_reuse_mode'))
  t.notOk(names('6.1.0', false).some(name => name.includes('arp')))
  t.ok(names('6.1.0', true).includes('conf/all/arp_ignore'))

  const values = new Map([['/proc/sys/net/ipv4/ip_forward', 1]])
  const warnings: unknown[] = []
  applyIpvsSettings(
    true,
    {
      info: () => undefined,
      warn: (_, fields) => void warnings.push([fields?.['setting'], fields?.['reason'], fields?.['without']]),
      error: () => undefined,
      enabled: () => false,
    },
    {
      read: file => values.get(file),
      write: (file, value) => {
        if (file.includes('/vs/conntrack')) throw Object.assign(new Error('read-only'), { code: 'EROFS' })
        values.set(file, value)
      },
    },
    '6.1.0',
  )
  t.equal(values.get('/proc/sys/net/ipv4/vs/expire_nodest_conn'), 1)
  t.equal(values.get('/proc/sys/net/ipv4/conf/all/arp_announce'), 2)
  t.strictSame(warnings, [
    ['net/ipv4/vs/conntrack=1', 'EROFS', 'nothing is masqueraded, and answers may not find their way'],
  ])
  t.end()
})

void t.test('Whether a node can serve in ipvs mode is found out by doing, and the reason is told', async t => {
  const done: string[] = []
  const parts = (failing: string) => {
    const step = (name: string) => (): Promise<void> => {
      done.push(name)
      return name === failing ? Promise.reject(new ProxyFailure('IPVS_ABSENT', name)) : Promise.resolve()
    }
    const ipvs: Ipvs = {
      list: () => step('list')().then(() => []),
      change: ([change]) => step(change!.kind)(),
      setTimeouts: step('timeouts'),
    }
    const sets: IpSets = { read: () => Promise.resolve(new Map()), restore: step('set') }
    const dummy: DummyInterface = {
      read: () => Promise.resolve(undefined),
      ensure: step('interface'),
      change: step('address'),
      delete: step('no interface'),
    }
    return probeIpvs('rr', ipvs, sets, dummy)
  }
  t.equal(await parts(''), undefined)
  t.strictSame(done, ['list', 'add', 'delete', 'set', 'interface', 'no interface'], 'and nothing is left')
  for (const failing of ['list', 'add', 'set', 'interface']) t.equal((await parts(failing))?.message, failing)
})
