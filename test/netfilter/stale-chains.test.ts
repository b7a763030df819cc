import t from 'tap'
import { chainOwners } from '../../lib/modes/registry.js'
import { type ObservedRules, parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { SHARED_CHAINS, staleChains } from '../../lib/netfilter/stale-chains.js'
import { removalInput } from '../../lib/netfilter/iptables-restore.js'
import { MemoryTables, splitCommandLine } from '../support/kernel/memory-tables.js'

/** What the kernel holds is read as the proxy reads it. */
function readKernel(kernel: MemoryTables, counters = false): ObservedRules {
  return parseIptablesSave(kernel.save({ counters }))
}

/** What kube-proxy 1.20 leaves behind in userspace mode, and a few rules of others. */
const LEFTOVERS = `*nat
:KUBE-PORTALS-CONTAINER - [0:0]
:KUBE-PORTALS-HOST - [0:0]
:KUBE-NODEPORT-CONTAINER - [0:0]
:KUBE-NODEPORT-HOST - [0:0]
:DOCKER - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "handle ClusterIPs; NOTE: this must be before the NodePort rules" -j KUBE-PORTALS-CONTAINER
-A PREROUTING -m addrtype --dst-type LOCAL -m comment --comment "handle service NodePorts; NOTE: this must be the last rule in the chain" -j KUBE-NODEPORT-CONTAINER
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT -m comment --comment "handle ClusterIPs; NOTE: this must be before the NodePort rules" -j KUBE-PORTALS-HOST
-A OUTPUT -m addrtype --dst-type LOCAL -m comment --comment "handle service NodePorts; NOTE: this must be the last rule in the chain" -j KUBE-NODEPORT-HOST
-A DOCKER -p tcp -g KUBE-PORTALS-HOST
-A DOCKER -m comment --comment KUBE-PORTALS-HOST -j RETURN
-A KUBE-PORTALS-CONTAINER -d 10.96.0.10/32 -p tcp -m comment --comment "default/web:http" -m tcp --dport 80 -j REDIRECT --to-ports 41000
-A KUBE-PORTALS-HOST -d 10.96.0.10/32 -p tcp -m comment --comment "default/web:http" -m tcp --dport 80 -j DNAT --to-destination 192.168.50.1:41000
-A KUBE-NODEPORT-CONTAINER -p tcp -m comment --comment "default/web:http" -m tcp --dport 30080 -j REDIRECT --to-ports 41000
-A KUBE-NODEPORT-HOST -p tcp -m comment --comment "default/web:http" -m tcp --dport 30080 -j DNAT --to-destination 192.168.50.1:41000
COMMIT
*filter
:KUBE-NODEPORT-NON-LOCAL - [0:0]
-A INPUT -m comment --comment "Ensure that non-local NodePort traffic can flow" -j KUBE-NODEPORT-NON-LOCAL
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A KUBE-NODEPORT-NON-LOCAL -p tcp -m comment --comment "default/web:http" -m tcp --dport 41000 -m state --state NEW -j ACCEPT
COMMIT
`

const removalInputFor = (observed: ObservedRules, keptMode: string | undefined): string =>
  removalInput(staleChains(observed, chainOwners(keptMode)), observed, SHARED_CHAINS)

void t.test('Everything the userspace mode ever left is removed, and nothing else', t => {
  for (const counters of [false, true]) {
    const kernel = new MemoryTables()
    kernel.restore(LEFTOVERS)
    kernel.restore(removalInputFor(readKernel(kernel, counters), 'iptables'))
    t.same(kernel.chainNames('nat'), ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING', 'DOCKER', 'KUBE-SERVICES'])
    t.same(kernel.chainNames('filter'), ['INPUT', 'FORWARD', 'OUTPUT'])
    t.same(kernel.chain('nat', 'PREROUTING'), [splitCommandLine('-m addrtype --dst-type LOCAL -j DOCKER')])
    t.same(kernel.chain('nat', 'OUTPUT'), [])
    t.same(kernel.chain('nat', 'DOCKER'), [splitCommandLine('-m comment --comment KUBE-PORTALS-HOST -j RETURN')])
    t.same(kernel.chain('filter', 'INPUT'), [splitCommandLine('-p tcp -m tcp --dport 22 -j ACCEPT')])
    t.equal(removalInputFor(readKernel(kernel), 'iptables'), '', 'then nothing is left to be removed')
  }
  t.end()
})

void t.test('Where only part of it is left, that part is removed', t => {
  const kernel = new MemoryTables()
  kernel.restore(
    '*nat\n:KUBE-NODEPORT-HOST - [0:0]\n-A OUTPUT -j KUBE-NODEPORT-HOST\n-A OUTPUT -j KUBE-NODEPORT-HOST\nCOMMIT\n',
  )
  const text = removalInputFor(readKernel(kernel), 'iptables')
  t.notMatch(text, 'filter', 'a table without anything of ours is not named')
  t.notMatch(text, 'KUBE-PORTALS', 'a chain that is not there is not named')
  kernel.restore(text)
  t.same(kernel.chain('nat', 'OUTPUT'), [], 'a link that is there twice goes twice')
  t.equal(removalInputFor(new Map(), undefined), '')
  t.end()
})

const KERNEL_MODE_RULES = `*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-MARK-DROP - [0:0]
:KUBE-LOAD-BALANCER - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]
:KUBE-SEP-3JOIVZTXZZRGORX4 - [0:0]
:KUBE-XLB-NPX46M4PTMTKRN6Y - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-SERVICES -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A KUBE-SVC-NPX46M4PTMTKRN6Y -j KUBE-SEP-3JOIVZTXZZRGORX4
-A KUBE-SEP-3JOIVZTXZZRGORX4 -s 10.0.1.1/32 -j KUBE-MARK-MASQ
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-IPVS-FILTER - [0:0]
:KUBE-FORWARD - [0:0]
-A INPUT -j KUBE-FIREWALL
-A INPUT -j KUBE-PROXY-FIREWALL
-A INPUT -j KUBE-IPVS-FILTER
COMMIT
`

void t.test('A mode that is left takes all of its chains along, and none that another mode has too', t => {
  const left = (kept: string | undefined, more = '') => {
    const kernel = new MemoryTables()
    kernel.restore(KERNEL_MODE_RULES + more)
    kernel.restore(removalInputFor(readKernel(kernel), kept))
    const ours = (table: string) => kernel.chainNames(table).filter(name => name.startsWith('KUBE-'))
    return { nat: ours('nat'), filter: ours('filter'), kernel }
  }
  const kubelets = ['KUBE-MARK-DROP', 'KUBE-KUBELET-CANARY']
  for (const kept of [undefined, 'userspace'] as const) {
    const { nat, filter, kernel } = left(kept)
    t.same(nat, kubelets, `for ${kept}`)
    t.same(filter, ['KUBE-FIREWALL', ...(kept === undefined ? [] : ['KUBE-FORWARD'])])
    t.same(kernel.chain('filter', 'INPUT'), [splitCommandLine('-j KUBE-FIREWALL')])
  }
  t.same(left('ipvs').nat.sort(), [
    'KUBE-KUBELET-CANARY',
    'KUBE-LOAD-BALANCER',
    'KUBE-MARK-DROP',
    'KUBE-MARK-MASQ',
    'KUBE-NODE-PORT',
    'KUBE-POSTROUTING',
    'KUBE-SERVICES',
  ])
  t.same(left('iptables').filter, ['KUBE-FIREWALL', 'KUBE-PROXY-FIREWALL', 'KUBE-FORWARD'])
  t.end()
})

void t.test('What lets open connections through the node goes last, with the next process', t => {
  const kernel = new MemoryTables()
  const link = `*filter\n-A FORWARD -j KUBE-FORWARD\n-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n`
  // Somebody else uses this one, so that it stays for ever.
  const others = '*nat\n-A POSTROUTING -s 10.0.0.1/32 -j KUBE-MARK-MASQ\nCOMMIT\n'
  kernel.restore(KERNEL_MODE_RULES + link + others)
  kernel.restore(removalInputFor(readKernel(kernel), 'userspace'))
  t.equal(kernel.chain('filter', 'FORWARD')?.length, 1)
  t.equal(kernel.chain('filter', 'KUBE-FORWARD')?.length, 1)
  kernel.restore(removalInputFor(readKernel(kernel), 'userspace'))
  t.same(kernel.chain('filter', 'FORWARD'), [])
  t.notOk(kernel.chainNames('filter').includes('KUBE-FORWARD'))
  t.equal(removalInputFor(readKernel(kernel), 'userspace'), '')
  t.end()
})

void t.test('A chain that others lead to as well stays as it is, whoever made it', t => {
  const kernel = new MemoryTables()
  kernel.restore(`${KERNEL_MODE_RULES}*nat
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A POSTROUTING -s 10.0.0.1/32 -j KUBE-MARK-MASQ
COMMIT
`)
  kernel.restore(removalInputFor(readKernel(kernel), undefined))
  t.ok(kernel.chainNames('nat').includes('KUBE-MARK-MASQ'))
  t.equal(kernel.chain('nat', 'KUBE-MARK-MASQ')?.length, 1)
  t.same(kernel.chain('nat', 'POSTROUTING'), [splitCommandLine('-s 10.0.0.1/32 -j KUBE-MARK-MASQ')])
  t.end()
})
