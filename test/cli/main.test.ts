import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FLAGS } from '../../lib/config/flags.js'
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
  t.equal(version.exitCode, 0)
  t.match(version.stdout, /^kube-proxy-node v\d+\.\d+\.\d+\n$/)
  const help = await runProgram(['--help'])
  t.equal(help.exitCode, 0)
  for (const { name, default: byDefault } of FLAGS) {
    t.match(help.stdout, new RegExp(name === 'v' ? '-v' : `--${name}`), name)
    if (byDefault) t.ok(help.stdout.replace(/\s+/g, ' ').includes(`[default: ${byDefault}]`), `default of ${name}`)
  }
  t.notMatch(help.stdout, /\x1b/, 'no colour when piped')
})

for (const [what, args, message] of [
  ['an unknown flag', ['--proxy-prot-range=1-2'], /proxy-prot-range/],
  ['a positional argument', ['now'], /now/],
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
    t.notMatch(stderr, /"Starting"/)
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

t.test('without iptables the message names the package to install', async t => {
  const { exitCode, stderr } = await runProgram(['--manifests', folder], noPrograms)
  t.equal(exitCode, 1)
  t.match(stderr, /PROGRAM_MISSING/)
  t.match(stderr, /Install the package "iptables"/)
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
