import t from 'tap'
import { IptablesPrograms } from '../../lib/system/iptables.js'
import { runCommand } from '../../lib/system/command.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

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
