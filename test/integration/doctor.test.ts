import t from 'tap'
import { type DoctorReport } from '../../lib/doctor/doctor-report.js'
import { DoctorNode } from '../support/doctor/doctor-node.js'
import { NetworkClient, namespacesUnavailable } from '../support/nodes/node-network.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { isInVm } from '../support/nodes/virtual-machine.js'
import { FaultyProgram } from '../support/processes/faulty-program.js'
import { PROXY_MODE, skipUnlessMode } from '../support/processes/proxy-mode.js'

const NOT_RULES = skipUnlessMode(['userspace', 'iptables'], 'virtual servers lead the packets, whatever the rules are')
/** What objects and the DNS alone decide, whatever the mode. An emulated processor takes seconds for each. */
const OF_ALL_MODES = [
  'selector-matches-nothing',
  'pods-not-ready',
  'port-name-mismatch',
  'no-cluster-ip',
  'load-balancer-pending',
  'name-not-resolvable',
]
const OPTIONS = { skip: namespacesUnavailable, timeout: 200_000 * TIMEOUT_FACTOR }

t.test(`the doctor names each fault first, and finds none in a healthy Service (${PROXY_MODE})`, OPTIONS, async t => {
  const node = await DoctorNode.create(t)
  await node.start()
  const expect = expecting(t, node)
  for (const { name, finding, says, client, remark } of node.services)
    if (!isInVm || !OF_ALL_MODES.includes(finding ?? remark ?? '')) await expect(name, finding, says, client, remark)
  await expect('plian', 'no-such-service', /no Service default\/plian; did you mean "plain"\?/)

  for (const name of ['elsewhere', 'elsewhere-inside'])
    await expect(name, undefined, /--from ADDRESS judges one client/, undefined, 'policy-local')

  await t.test('without objects, the proxy and the kernel say what they know', async t => {
    const report = await node.ask('plain', { manifests: [] })
    t.equal(report.verdict, 'healthy')
    t.match(report.unseen.map(({ text }) => text).join('\n'), /--kubeconfig/)
    const none = await node.ask('plian', { manifests: [] })
    t.match(none, { verdict: 'findings', findings: [{ code: 'no-such-service', proof: [/did you mean "plain"\?/] }] })
  })

  await t.test('a client outside of the source ranges', async () => {
    await expect(
      'ranges',
      'source-ranges',
      /192\.168\.70\.9 is in no source range.*192\.168\.60\.0\/24/s,
      '192.168.70.9',
    )
    await expect('ranges', undefined, /./, '192.168.60.9')
  })

  await t.test(
    'session affinity where one address has all connections',
    { skip: skipUnlessMode(['userspace', 'iptables'], 'the doctor cannot read the affinity of IPVS') },
    async () => {
      const { namespace, ip } = await node.network.addPod()
      const client = new NetworkClient(node.network, namespace)
      const [service] = node.services.find(({ name }) => name === 'sticky')!.objects as [
        { spec: { clusterIP: string } },
      ]
      for (let n = 0; n < 20; n++) await client.tcp(service.spec.clusterIP, 80)
      const says = new RegExp(`20 of the last \\d+ connections .* came from ${ip}, `)
      await expect('sticky', undefined, says, undefined, 'affinity-pins')
    },
  )

  await t.test('a firewall that drops', async () => {
    const rule = ['PREROUTING', '-d', '10.96.1.1/32', '-j', 'DROP']
    await node.iptables('-t', 'mangle', '-I', ...rule)
    await expect(
      'plain',
      'firewall-drops',
      /-A PREROUTING -d 10\.96\.1\.1\/32 -j DROP.*table mangle.*iptables -t mangle -S PREROUTING/s,
    )
    await node.iptables('-t', 'mangle', '-D', ...rule)
    await expect('plain', undefined)
  })

  await t.test('a full table of conntrack', { skip: skipUnlessMode(['userspace'], 'no mode matters') }, async () => {
    await node.fillConntrack(0.91)
    await expect('plain', 'conntrack-full', /nf_conntrack_count is \d+, and nf_conntrack_max is \d+/)
  })
})

t.test(`the doctor names what a proxy cannot repair (${PROXY_MODE})`, OPTIONS, async t => {
  const node = await DoctorNode.create(t)
  const expect = expecting(t, node)
  const restore = new FaultyProgram(t, '/usr/sbin/iptables-nft-restore', 's/^[*]/broken /')
  restore.repair()
  const proxy = await node.start(['--nodeport-addresses=10.244.0.0/24'], restore.env)

  await t.test('a node port that is not served at the main address', async () => {
    await expect('node-port', 'node-port-not-here', /30080 is not served at 192\.168\.50\.1.*served at 10\.244\.0\.1/s)
    await expect('plain', undefined)
  })

  await t.test("a rule of another program before the proxy's", { skip: NOT_RULES }, async () => {
    restore.spoil()
    await node.iptables('-t', 'nat', '-I', 'PREROUTING', '-d', '10.96.1.1/32', '-j', 'ACCEPT')
    await expect(
      'plain',
      'other-rule-first',
      /-A PREROUTING -d 10\.96\.1\.1\/32 -j ACCEPT.*iptables -t nat -S PREROUTING/s,
    )
    await node.iptables('-t', 'nat', '-D', 'PREROUTING', '-d', '10.96.1.1/32', '-j', 'ACCEPT')
  })

  await t.test('rules that another program has flushed', { skip: NOT_RULES }, async () => {
    await node.iptables('-t', 'nat', '-F')
    await expect('plain', 'no-rule', /no rule for 10\.96\.1\.1:80\/TCP.*meets no rule/s)
  })

  await t.test('no proxy, and no rules', async t => {
    t.equal(await proxy.stop(), 0)
    const report = await node.ask('plain', { manifests: [] })
    // In a kernel mode, the kernel serves without a proxy.
    t.equal(report.verdict, PROXY_MODE === 'userspace' ? 'findings' : 'unknown')
    t.match(report.unseen.map(({ text }) => text).join('\n'), /No proxy answers at the status socket/)
  })
})

/** Checks what the doctor finds first in a Service; undefined: nothing at all. */
function expecting(t: Tap, node: DoctorNode) {
  return async (
    name: string,
    code: string | undefined,
    says = /./,
    client?: string,
    remark?: string,
  ): Promise<void> => {
    const report = await node.ask(name, client === undefined ? {} : { client })
    const [first] = report.findings
    const about = client === undefined ? name : `${name} from ${client}`
    t.equal(first?.code, code, `${about}: ${code ?? 'healthy'}`)
    t.equal(report.verdict, code === undefined ? 'healthy' : 'findings', JSON.stringify(report.unseen))
    if (code === undefined) t.strictSame(report.findings, [], about)
    else t.match(textOf(first), says)
    if (remark === undefined) return
    const said = report.remarks.find(each => each.code === remark)
    t.match(said?.text, says, `${about}: ${remark} as a remark`)
  }
}

type Tap = Pick<typeof t, 'equal' | 'match' | 'strictSame'>

function textOf(finding: DoctorReport['findings'][number] | undefined): string {
  return [finding?.verdict, ...(finding?.proof ?? []), ...(finding?.fix ?? [])].join('\n')
}
