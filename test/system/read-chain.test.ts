import t from 'tap'
import { IptablesPrograms } from '../../lib/system/iptables.js'

void t.test('One chain is asked for by itself, and what is no answer is not taken for one', async t => {
  const asked: string[] = []
  const iptables = (exitCode: number, stdout: string, stderr = ''): IptablesPrograms =>
    new IptablesPrograms('IPv6', 'nft', (program, args) => {
      asked.push([program, ...args].join(' '))
      return Promise.resolve({ exitCode, stdout, stderr })
    })
  const read = (...result: Parameters<typeof iptables>) => iptables(...result).readChain('mangle', 'KUBE-X')
  t.strictSame(await read(0, '-N KUBE-X\n-A KUBE-X -m comment --comment "a b" -j RETURN\n'), [
    ['-m', 'comment', '--comment', 'a b', '-j', 'RETURN'],
  ])
  t.strictSame(asked, ['ip6tables-nft -t mangle -S KUBE-X --wait 5'])
  t.strictSame(await read(0, '-N KUBE-X\n'), [])
  t.equal(await read(1, '', 'ip6tables: No chain/target/match by that name.\n'), 'absent')
  t.equal(await read(1, '', "chain `KUBE-X' in table `mangle' is incompatible, use 'nft' tool.\n"), 'absent')
  t.equal(await read(4, '', 'Resource temporarily unavailable\n'), 'unknown')
  await t.rejects(read(3, '', "can't initialize ip6tables table `mangle': Permission denied (you must be root)"), {
    code: 'IPTABLES_FORBIDDEN',
  })
  t.end()
})
