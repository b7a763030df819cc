import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FLAGS } from '../../lib/config/options.js'
import { runProgram } from '../support/processes/run-program.js'

const folder = mkdtempSync(join(tmpdir(), 'cli-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
/** Without programs, a run that starts by mistake cannot change rules. */
const noPrograms = { env: { ...process.env, PATH: '/nonexistent' } }

t.test('--version prints the version, --help every flag with its default', async t => {
  const version = await runProgram(['--version'])
  t.equal((await runProgram(['--version=raw'])).stdout, version.stdout)
  t.equal(version.exitCode, 0)
  t.match(version.stdout, /^kube-proxy-node v\d+\.\d+\.\d+\n$/)
  const help = await runProgram(['--help'])
  t.equal(help.exitCode, 0)
  for (const { name, default: byDefault, effect = 'honoured' } of FLAGS) {
    t.match(help.stdout, new RegExp(name === 'v' ? '-v' : `--${name}`), name)
    if (byDefault && effect === 'honoured')
      t.ok(help.stdout.replace(/\s+/g, ' ').includes(`[default: ${byDefault}]`), `default of ${name}`)
  }
  t.notMatch(help.stdout, /\x1b/, 'no colour when piped')
})

for (const [what, args, message] of [
  [
    'a misspelt flag',
    ['--proxy-prot-range=1-2'],
    /--proxy-prot-range: unknown flag; did you mean --proxy-port-range\?/,
  ],
  ['an unknown flag', ['--make-coffee'], /--make-coffee: unknown flag\n/],
  [
    'a flag with the name of what objects inherit',
    ['--to-string=4', '--no-constructor'],
    /--to-string: unknown flag\n.*--no-constructor: unknown flag\n/,
  ],
  ['an unknown letter', ['-x'], /-x: unknown flag/],
  ['a positional argument', ['now'], /"now": unexpected argument; every setting is a flag/],
  ['a misspelt command', ['chekc'], /"chekc": unexpected argument; did you mean kube-proxy check\?/],
  [
    'a value out of range',
    ['--metrics-bind-address=127.0.0.1:70000'],
    /--metrics-bind-address "127.0.0.1:70000": expected a port from 1 to 65535/,
  ],
  ['an invalid duration', ['--udp-timeout=soon'], /--udp-timeout "soon": expected a duration/],
  ['a loopback bind address', ['--bind-address=127.0.0.1'], /loopback/],
  ['an unknown mode', ['--proxy-mode=ebpf'], /--proxy-mode "ebpf"/],
  ['a flag without its value', ['--kubeconfig'], /kubeconfig/],
  [
    'a switch with a value that is neither true nor false',
    ['--cleanup=yes'],
    /--cleanup "yes": expected true or false/,
  ],
  ['a switch with an empty value', ['--masquerade-all='], /--masquerade-all "": expected true or false/],
  ['a negated switch', ['--no-masquerade-all'], /no-masquerade-all/],
  ['a switch of the demo with another value', ['demo', '--keep=maybe'], /--keep "maybe": expected true or false/],
  ['an invalid verbosity', ['-v=loud'], /--v "loud"/],
] as const) {
  t.test(`${what} ends the program with a message and code 1, before any action`, async t => {
    const { exitCode, stderr, stdout } = await runProgram(args, noPrograms)
    t.equal(exitCode, 1)
    t.match(stderr, message)
    t.match(stderr, /CONFIG_INVALID/)
    t.notMatch(stderr, /\n\s+at /, 'no stack')
    t.equal(stdout, '')
  })
}

for (const flags of [['--cleanup'], ['--cleanup=1'], ['--cleanup=True'], ['--cleanup=false', '--cleanup', '--v=1']])
  t.test(`${flags.join(' ')} cleans up and does not start a proxy`, async t => {
    const { stderr } = await runProgram(flags, noPrograms)
    t.match(stderr, /"Cleaned up"/)
    t.notMatch(stderr, /"Starting"|proxy mode/)
  })

for (const flags of [['--cleanup=0'], ['--cleanup', '--cleanup=F']])
  t.test(`${flags.join(' ')} starts a proxy`, async t => {
    const { stderr } = await runProgram([...flags, '--manifests', folder], noPrograms)
    t.match(stderr, /"Starting"/)
    t.notMatch(stderr, /"Cleaned up"/)
  })

t.test('all invalid values are reported together', async t => {
  const { stderr } = await runProgram(
    ['--udp-timeout=0s', '--proxy-port-range=9-8', '--cluster-cidr=10.0.0.0/8,10.1.0.0/16'],
    noPrograms,
  )
  t.match(stderr, /--udp-timeout "0s": must be longer than 0/)
  t.match(stderr, /--proxy-port-range "9-8": the range ends at 8, below its start 9/)
  t.match(stderr, /--cluster-cidr .*: two CIDRs of one IP family; use at most one for each family/)
})

t.test('no argument writes control characters to the terminal', async t => {
  for (const argument of ['--proxy-mode=\x1b[31mred', '--\x1b[31mred', '--config=/absent/\x1b[31m', '\x9b\u202e']) {
    const { exitCode, stderr } = await runProgram([argument], noPrograms)
    t.equal(exitCode, 1, stderr)
    t.notMatch(stderr.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u, JSON.stringify(argument))
  }
})

for (const [what, args, message] of [
  ['a missing kubeconfig', ['--kubeconfig', join(folder, 'absent')], /absent/],
  ['a kubeconfig that is not YAML', ['--kubeconfig', file('broken', 'clusters: [')], /broken/],
  ['a kubeconfig without a cluster', ['--kubeconfig', file('empty', 'apiVersion: v1\nkind: Config\n')], /empty/],
] as const) {
  t.test(`${what} ends the program with a message and code 1`, async t => {
    const { exitCode, stderr } = await runProgram(args)
    t.equal(exitCode, 1)
    t.match(stderr, message)
    t.match(stderr, /KUBECONFIG_INVALID/)
    t.notMatch(stderr, /\n\s+at /, 'no stack')
  })
}

t.test('--write-config-to writes a file that --config reads, without a cluster, and ends the program', async t => {
  const [first, second] = [join(folder, 'first'), join(folder, 'second')]
  const flags = ['--cluster-cidr=10.0.0.0/8', '--drain-timeout=7s', '--metrics-bind-address=127.0.0.1']
  const written = await runProgram([...flags, `--write-config-to=${first}`], noPrograms)
  t.same([written.exitCode, written.stdout], [0, ''], written.stderr)
  t.match(
    readFileSync(first, 'utf8'),
    /^apiVersion: kubeproxy\.config\.k8s\.io\/v1alpha1\nkind: KubeProxyConfiguration\n/,
  )
  t.match(readFileSync(first, 'utf8'), /\nclusterCIDR: 10\.0\.0\.0\/8\n/)
  const again = await runProgram([`--config=${first}`, `--write-config-to=${second}`], noPrograms)
  t.equal(again.exitCode, 0)
  t.notMatch(again.stderr, /W\d/, 'nothing in it is unknown')
  t.equal(readFileSync(second, 'utf8'), readFileSync(first, 'utf8'))
  t.match(readFileSync(second, 'utf8'), /\nmetricsBindAddress: 127\.0\.0\.1:10249\n/)
  const impossible = await runProgram(['--write-config-to=/nowhere/at/all'], noPrograms)
  t.equal(impossible.exitCode, 1)
  t.match(impossible.stderr, /CONFIG_NOT_WRITTEN/)
})

t.test('a configuration file with mistakes ends the program with all of them, before any action', async t => {
  const path = file(
    'c.conf',
    'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: x\nbindAddress: eth0\n',
  )
  const { exitCode, stderr } = await runProgram([`--config=${path}`], noPrograms)
  t.equal(exitCode, 1)
  t.match(stderr, /c\.conf:3: mode "x": expected userspace/)
  t.match(stderr, /c\.conf:4: bindAddress "eth0": expected an IP address/)
  t.match(stderr, /CONFIG_INVALID/)
  t.notMatch(stderr, /"Starting"/)
})

t.test('--logging-format=json makes every line of the log an object', async t => {
  for (const [args, code] of [
    [['--manifests', folder], 'PROGRAM_MISSING'],
    [['--cluster-cidr=nonsense'], 'CONFIG_INVALID'],
  ] as const) {
    const { exitCode, stderr } = await runProgram(['--logging-format=json', ...args], noPrograms)
    const lines = stderr.trimEnd().split('\n')
    for (const line of lines) t.match(JSON.parse(line), { ts: Number, caller: String, msg: String })
    t.match(JSON.parse(lines.at(-1)!), { msg: 'kube-proxy failed', code }, 'also the reason of a failure')
    t.equal(exitCode, 1)
  }
})

t.test('flags may be spelt with underscores, as in kube-proxy', async t => {
  const { stderr } = await runProgram(['--cluster_cidr=nonsense', '--log_file=/nowhere'], noPrograms)
  t.match(stderr, /--cluster-cidr "nonsense": expected a CIDR/)
})

t.test('without iptables the message names the package to install', async t => {
  for (const args of [['--manifests', folder], ['--cleanup']]) {
    const { exitCode, stderr } = await runProgram(args, noPrograms)
    t.equal(exitCode, 1)
    t.match(stderr, /PROGRAM_MISSING/)
    t.match(stderr, /Install the package "iptables"/)
  }
})

t.test(
  'without permission the message names the capability',
  { skip: process.getuid?.() === 0 ? false : 'needs root to become nobody' },
  async t => {
    const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
    for (const flag of ['--cleanup', '--manifests=/tmp']) {
      const { exitCode, stderr } = await runProgram([flag], { through })
      t.equal(exitCode, 1)
      t.match(stderr, /IPTABLES_FORBIDDEN|CLEANUP_INCOMPLETE/)
      t.match(stderr, /NET_ADMIN/)
    }
  },
)
