import t from 'tap'
import { chainOwners } from '../../lib/modes/registry.js'
import { type ObservedRules, parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { SHARED_CHAINS, staleChains } from '../../lib/netfilter/stale-chains.js'
import { removalInput } from '../../lib/netfilter/iptables-restore.js'
import { MemoryTables, splitCommandLine } from '../support/kernel/memory-tables.js'

/** Reads the rules of the kernel as the proxy does. */
function readKernel(kernel: MemoryTables, counters = false): ObservedRules {
  return parseIptablesSave(kernel.save({ counters }))
}

/** The leftovers of kube-proxy 1.20 in userspace mode, and a few rules of other programs. */
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

const removalInputFor = (observed: ObservedRules, ownMode: string | undefined): string =>
  removalInput(staleChains(observed, chainOwners(ownMode)), observed, SHARED_CHAINS)

void t.test('All leftovers of userspace mode are removed, and nothing else', t => {
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
    t.equal(removalInputFor(readKernel(kernel), 'iptables'), '', 'then nothing is left')
  }
  t.end()
})

void t.test('Leftovers are removed even if only some of them exist', t => {
  const kernel = new MemoryTables()
  kernel.restore(
    '*nat\n:KUBE-NODEPORT-HOST - [0:0]\n-A OUTPUT -j KUBE-NODEPORT-HOST\n-A OUTPUT -j KUBE-NODEPORT-HOST\nCOMMIT\n',
  )
  const text = removalInputFor(readKernel(kernel), 'iptables')
  t.notMatch(text, 'filter', 'a table without leftovers is not mentioned')
  t.notMatch(text, 'KUBE-PORTALS', 'a missing chain is not mentioned')
  kernel.restore(text)
  t.same(kernel.chain('nat', 'OUTPUT'), [], 'a duplicate link is removed too')
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

void t.test('All chains of another mode are removed, except those that the serving mode has too', t => {
  const remaining = (own: string | undefined, more = '') => {
    const kernel = new MemoryTables()
    kernel.restore(KERNEL_MODE_RULES + more)
    kernel.restore(removalInputFor(readKernel(kernel), own))
    const kubeChains = (table: string) => kernel.chainNames(table).filter(name => name.startsWith('KUBE-'))
    return { nat: kubeChains('nat'), filter: kubeChains('filter'), kernel }
  }
  const kubeletChains = ['KUBE-MARK-DROP', 'KUBE-KUBELET-CANARY']
  for (const own of [undefined, 'userspace'] as const) {
    const { nat, filter, kernel } = remaining(own)
    t.same(nat, kubeletChains, `for ${own}`)
    t.same(filter, ['KUBE-FIREWALL', ...(own === undefined ? [] : ['KUBE-FORWARD'])])
    t.same(kernel.chain('filter', 'INPUT'), [splitCommandLine('-j KUBE-FIREWALL')])
  }
  t.same(remaining('ipvs').nat.sort(), [
    'KUBE-KUBELET-CANARY',
    'KUBE-LOAD-BALANCER',
    'KUBE-MARK-DROP',
    'KUBE-MARK-MASQ',
    'KUBE-NODE-PORT',
    'KUBE-POSTROUTING',
    'KUBE-SERVICES',
  ])
  t.same(remaining('iptables').filter, ['KUBE-FIREWALL', 'KUBE-PROXY-FIREWALL', 'KUBE-FORWARD'])
  t.end()
})

void t.test(
  'KUBE-FORWARD, which lets open connections through, is removed by the process after the one that took over',
  t => {
    const kernel = new MemoryTables()
    const link = `*filter\n-A FORWARD -j KUBE-FORWARD\n-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n`
    // Another program uses KUBE-MARK-MASQ, so this chain stays.
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
  },
)

void t.test('A chain that another program jumps to stays unchanged', t => {
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
