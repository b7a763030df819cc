import t from 'tap'
import { type Protocol } from '../../../lib/model/protocol.js'
import { observedProxyPorts, frontendKey } from '../../../lib/modes/userspace/observed-proxy-ports.js'
import { parseIptablesSave } from '../../../lib/netfilter/iptables-save.js'
import { randomInt, testSeed, seededRandom } from '../../support/checks/seeded-random.js'
import { makeServicePort } from '../../support/model/make-service-port.js'
import { programClusterIPs } from './program-cluster-ips.js'

const seed = testSeed()

void t.test(`Proxy ports are read back from the rules that lead to them (SEED=${seed})`, t => {
  const random = seededRandom(seed)
  const targets = Array.from({ length: 50 }, (_, i) => ({
    servicePort: makeServicePort({
      name: `s${i}`,
      clusterIP: `10.96.0.${i}`,
      port: 1 + randomInt(random, 65_535),
      protocol: random() < 0.5 ? 'TCP' : 'UDP',
    }),
    proxyPort: 1 + randomInt(random, 65_535),
    address: random() < 0.5 ? '192.168.50.1' : '0.0.0.0',
  }))
  const observed = observedProxyPorts(parseIptablesSave(programClusterIPs(targets).save({ counters: true })))
  t.equal(observed.size, targets.length)
  for (const { servicePort, proxyPort } of targets)
    t.equal(observed.get(frontendKey(servicePort.clusterIP, servicePort.port, servicePort.protocol)), proxyPort)
  t.end()
})

void t.test('Proxy ports are read from the rules of kube-proxy 1.20, and other rules are ignored', t => {
  const rule = (words: string) => `-A KUBE-PORTALS-CONTAINER ${words}`
  const text = [
    '*nat',
    ':KUBE-PORTALS-CONTAINER - [0:0]',
    ':KUBE-PORTALS-HOST - [0:0]',
    rule(
      '-d 10.96.0.10/32 -p tcp -m comment --comment "default/web:http" -m tcp --dport 80 -j REDIRECT --to-ports 41000',
    ),
    rule(
      '-d 203.0.113.7/32 -p udp -m udp --dport 53 -m physdev ! --physdev-is-in -j DNAT --to-destination 1.2.3.4:41001',
    ),
    rule('-p tcp -m tcp --dport 1 -j REDIRECT --to-ports 41002'),
    rule('-d 10.96.0.11/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 41000-41005'),
    rule('-d 10.96.0.12/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 1.2.3.4'),
    rule('-d 10.96.0.13/32 -p tcp -m tcp --dport 80 -j ACCEPT'),
    '-A KUBE-PORTALS-HOST -d 10.96.0.14/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 1.2.3.4:5',
    'COMMIT',
  ].join('\n')
  t.same(
    [...observedProxyPorts(parseIptablesSave(text))],
    [
      ['10.96.0.10 80 TCP', 41_000],
      ['203.0.113.7 53 UDP', 41_001],
    ],
  )
  t.equal(observedProxyPorts(new Map()).size, 0)
  const six =
    '*nat\n:KUBE-PORTALS-CONTAINER - [0:0]\n' +
    rule('-d fd00::10/128 -p tcp -m tcp --dport 80 -j DNAT --to-destination [fd00::1]:41000')
  t.same([...observedProxyPorts(parseIptablesSave(six))], [['fd00::10 80 TCP', 41_000]])
  t.end()
})

void t.test('The key of a frontend does not depend on the case of the protocol', t => {
  const protocols: readonly (Protocol | 'tcp')[] = ['TCP', 'tcp']
  t.equal(new Set(protocols.map(protocol => frontendKey('10.96.0.10', 80, protocol))).size, 1)
  t.end()
})
