import t from 'tap'
import { iptablesArgs } from '../../lib/netfilter/iptables-args.js'
import { optionValue } from '../../lib/netfilter/iptables-save.js'
import { type Rule } from '../../lib/netfilter/rule-set.js'

void t.test('A rule has the spelling in which iptables-save prints it', t => {
  const table: readonly (readonly [rule: Rule, family: 'IPv4' | 'IPv6', expected: string])[] = [
    [
      {
        comment: 'default/web:http',
        destination: '10.96.0.10',
        protocol: 'TCP',
        destinationPort: 80,
        target: { kind: 'DNAT', address: '192.168.50.1', port: 40_080 },
      },
      'IPv4',
      '-d 10.96.0.10/32 -p tcp -m comment --comment default/web:http -m tcp --dport 80 -j DNAT --to-destination 192.168.50.1:40080',
    ],
    [
      {
        comment: 'a/b',
        destination: 'fd00::10',
        protocol: 'UDP',
        destinationPort: 53,
        target: { kind: 'DNAT', address: 'fd00::1', port: 4000 },
      },
      'IPv6',
      '-d fd00::10/128 -p udp -m comment --comment a/b -m udp --dport 53 -j DNAT --to-destination [fd00::1]:4000',
    ],
    [
      {
        comment: 'a/b',
        destination: '10.96.0.1',
        protocol: 'TCP',
        destinationPort: 1,
        target: { kind: 'REDIRECT', port: 2 },
      },
      'IPv4',
      '-d 10.96.0.1/32 -p tcp -m comment --comment a/b -m tcp --dport 1 -j REDIRECT --to-ports 2',
    ],
    [{ comment: 'x', target: { kind: 'jump', chain: 'KUBE-X' } }, 'IPv4', '-m comment --comment x -j KUBE-X'],
    [
      { comment: 'x', protocol: 'TCP', target: { kind: 'jump', chain: 'KUBE-X' } },
      'IPv4',
      '-p tcp -m comment --comment x -j KUBE-X',
    ],
  ]
  for (const [rule, family, expected] of table) t.equal(iptablesArgs(rule, family).join(' '), expected)
  t.end()
})

void t.test('A comment has only printable ASCII, and at most 255 bytes', t => {
  const table: readonly (readonly [comment: string, expected: string])[] = [
    ['default/web:http', 'default/web:http'],
    ['two words', 'two words'],
    ['"quoted" \'and\' \\ `id`; $(x)', '"quoted" \'and\' \\ `id`; $(x)'],
    ['line\nbreak\r\0\u001b[31m\u007f', 'line?break???[31m?'],
    ['é中😀', '????'],
    ['', ''],
    ['x'.repeat(300), 'x'.repeat(255)],
    [`${'é'.repeat(150)}${'x'.repeat(150)}`, `${'?'.repeat(150)}${'x'.repeat(105)}`],
  ]
  for (const [comment, expected] of table) {
    const args = iptablesArgs({ comment, target: { kind: 'jump', chain: 'KUBE-X' } }, 'IPv4')
    t.equal(optionValue(args, '--comment'), expected, JSON.stringify(comment).slice(0, 40))
  }
  t.end()
})
