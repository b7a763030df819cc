import t from 'tap'
import { IptablesPrograms } from '../../lib/system/iptables.js'
import { runCommand } from '../../lib/system/command.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

void t.test('one chain is read alone; a lack of resources is not taken for an absent chain', async t => {
  const commands: string[] = []
  const iptables = (exitCode: number, stdout: string, stderr = ''): IptablesPrograms =>
    new IptablesPrograms('IPv6', 'nft', (program, args) => {
      commands.push([program, ...args].join(' '))
      return Promise.resolve({ exitCode, stdout, stderr })
    })
  const read = (...result: Parameters<typeof iptables>) => iptables(...result).readChain('mangle', 'KUBE-X')
  t.strictSame(await read(0, '-N KUBE-X\n-A KUBE-X -m comment --comment "a b" -j RETURN\n'), [
    ['-m', 'comment', '--comment', 'a b', '-j', 'RETURN'],
  ])
  t.strictSame(commands, ['ip6tables-nft -t mangle -S KUBE-X --wait 5'])
  t.strictSame(await read(0, '-N KUBE-X\n'), [])
  t.equal(await read(1, '', 'ip6tables: No chain/target/match by that name.\n'), 'absent')
  t.equal(await read(1, '', "chain `KUBE-X' in table `mangle' is incompatible, use 'nft' tool.\n"), 'absent')
  t.equal(await read(4, '', 'Resource temporarily unavailable\n'), 'unknown')
  await t.rejects(read(3, '', "can't initialize ip6tables table `mangle': Permission denied (you must be root)"), {
    code: 'IPTABLES_FORBIDDEN',
  })
  t.end()
})

/** In a new user namespace, as in a rootless cluster, where it cannot raise the size limit of a message to the kernel. */
const rootless: typeof runCommand = (program, args, options) =>
  runCommand('unshare', ['--user', '--map-root-user', '--net', program, ...args], options)

/** Input for this many chains with one rule each. */
function rules(count: number): string {
  const names = Array.from({ length: count }, (_, index) => `KUBE-SEP-${index}`)
  const rule = '-d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.2:8080'
  const lines = [...names.map(name => `:${name} - [0:0]`), ...names.map(name => `-A ${name} ${rule}`)]
  return `*nat\n${lines.join('\n')}\nCOMMIT\n`
}

void t.test(
  'rules too large for one message to the kernel have a failure of their own, with a hint',
  { skip: namespacesUnavailable },
  async t => {
    const iptables = new IptablesPrograms('IPv4', 'nft', rootless)
    await iptables.restore(rules(10))
    await t.rejects(iptables.restore(rules(20_000)), {
      code: 'RULES_TOO_LARGE',
      message: /40003 lines are too many for one message to the kernel: .*too long/i,
      hint: /net\.core\.wmem_max/,
    })
  },
)
