import t from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import {
  type CommandOptions,
  type CommandResult,
  missingProgramFailure,
  type runCommand,
} from '../../lib/system/command.js'
import { ConntrackProgram, type FlowEntry, parseFlowEntries } from '../../lib/system/conntrack.js'
import { RecordingLog } from '../support/log/recording-log.js'

const OK: CommandResult = { exitCode: 0, stdout: '', stderr: '' }
const NOTHING_DELETED: CommandResult = {
  exitCode: 1,
  stdout: '',
  stderr: 'conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.\n',
}
const ENTRY_VANISHED: CommandResult = {
  exitCode: 1,
  stdout: '',
  stderr: "conntrack v1.4.7 (conntrack-tools): Operation failed: such conntrack doesn't exist\n",
}
const DENIED: CommandResult = {
  exitCode: 1,
  stdout: '',
  stderr:
    'conntrack v1.4.7 (conntrack-tools): Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this\n',
}
const NO_SUCH_OPTION: CommandResult = { exitCode: 2, stdout: '', stderr: 'conntrack v1.4.6: unknown option\n' }

/** An entry of client number `n`, to a frontend of its own unless `port` is given. */
function entry(n: number, port = n): FlowEntry {
  return {
    family: 'IPv4',
    protocol: 'UDP',
    source: { address: '10.244.0.2', port: n },
    destination: { address: '10.96.0.10', port: port },
    replySource: { address: '192.168.50.1', port: 39999 },
  }
}

/** Replaces the program: answers with `reply`, and records its calls. */
function recordingProgram(reply: (args: readonly string[], input: string, options: CommandOptions) => CommandResult) {
  const calls: string[] = []
  const inputs: string[] = []
  const run: typeof runCommand = (name, args, options) => {
    const { input = '' } = options
    calls.push([name, ...args].join(' '))
    inputs.push(input)
    return Promise.resolve().then(() => reply(args, input, options))
  }
  const log = new RecordingLog()
  return { conntrack: new ConntrackProgram(log, run), calls, inputs, log }
}

void t.test('an entry is read from a line of the program', t => {
  const flow = (
    family: 'IPv4' | 'IPv6',
    ends: readonly [string, number, string, number, string, number],
  ): FlowEntry => ({
    family,
    protocol: 'UDP',
    source: { address: ends[0], port: ends[1] },
    destination: { address: ends[2], port: ends[3] },
    replySource: { address: ends[4], port: ends[5] },
  })
  const table: readonly (readonly [line: string, family: 'IPv4' | 'IPv6', entry: FlowEntry | undefined])[] = [
    [
      'udp      17 59 src=10.0.0.1 dst=10.96.0.1 sport=100 dport=53 [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 sport=99 dport=100 mark=0 use=1',
      'IPv4',
      { ...flow('IPv4', ['10.0.0.1', 100, '10.96.0.1', 53, '10.0.0.9', 99]), isUnanswered: true },
    ],
    [
      'udp      17 179 src=10.0.0.1 dst=10.96.0.1 sport=100 dport=53 packets=3 bytes=90 src=10.0.0.9 dst=10.0.0.1 sport=99 dport=100 packets=3 bytes=90 [ASSURED] mark=0 secctx=system use=1',
      'IPv4',
      flow('IPv4', ['10.0.0.1', 100, '10.96.0.1', 53, '10.0.0.9', 99]),
    ],
    [
      'udp      17 59 src=fd00:0:0::1 dst=FD00::2 sport=1 dport=2 [UNREPLIED] src=fd00::2 dst=fd00::1 sport=2 dport=1 mark=0 use=1',
      'IPv6',
      { ...flow('IPv6', ['fd00::1', 1, 'fd00::2', 2, 'fd00::2', 2]), isUnanswered: true },
    ],
    [
      'udp      17 59 src=10.0.0.1 dst=10.96.0.1 sport=100 dport=53 src=10.0.0.9 dst=10.0.0.1 sport=99 dport=100 mark=0 zone=5 use=1',
      'IPv4',
      undefined,
    ],
    [
      'udp      17 59 src=10.0.0.1 dst=10.96.0.1 sport=100 dport=53 zone-orig=7 src=10.0.0.9 dst=10.0.0.1 sport=99 dport=100 mark=0 use=1',
      'IPv4',
      undefined,
    ],
    [
      'tcp      6 59 src=10.0.0.1 dst=10.96.0.1 sport=100 dport=53 src=10.0.0.9 dst=10.0.0.1 sport=99 dport=100 mark=0 use=1',
      'IPv4',
      undefined,
    ],
    ['udp      17 59 src=10.0.0.1 dst=10.96.0.1 sport=100 dport=53 mark=0 use=1', 'IPv4', undefined],
    [
      'udp      17 59 src=x dst=10.96.0.1 sport=100 dport=53 src=10.0.0.9 dst=10.0.0.1 sport=99 dport=100',
      'IPv4',
      undefined,
    ],
    [
      'tcp      6 119 SYN_SENT src=10.0.0.1 dst=10.96.0.1 sport=100 dport=53 [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 sport=99 dport=100 mark=0 use=1',
      'IPv4',
      { ...flow('IPv4', ['10.0.0.1', 100, '10.96.0.1', 53, '10.0.0.9', 99]), protocol: 'TCP', isUnanswered: true },
    ],
    [
      'tcp      6 86399 ESTABLISHED src=10.0.0.1 dst=10.96.0.1 sport=100 dport=53 src=10.0.0.9 dst=10.0.0.1 sport=99 dport=100 [ASSURED] mark=0 use=1',
      'IPv4',
      undefined,
    ],
    ['', 'IPv4', undefined],
  ]
  for (const [line, family, expected] of table)
    t.strictSame(parseFlowEntries(line, family), expected === undefined ? [] : [expected], line)
  const all = table.filter(([, family]) => family === 'IPv4').map(([line]) => line)
  t.equal(parseFlowEntries(all.join('\n'), 'IPv4').length, 3)
  t.end()
})

void t.test('a list is of one family, and a failure has the message of the program', async t => {
  const { conntrack, calls } = recordingProgram(() => OK)
  await conntrack.list('IPv4', 'UDP')
  await conntrack.list('IPv6', 'UDP')
  t.strictSame(calls, ['conntrack -L -p udp -f ipv4', 'conntrack -L -p udp -f ipv6'])
  const broken = recordingProgram(() => ({ exitCode: 1, stdout: '', stderr: 'conntrack: no memory\nmore\n' }))
  await t.rejects(broken.conntrack.list('IPv4', 'UDP'), {
    code: 'PROGRAM_FAILED',
    message: '"conntrack -L -p udp -f ipv4" failed: conntrack: no memory; more',
  })
})

void t.test('removals go to one process, and equal ones only once', async t => {
  const { conntrack, calls, inputs } = recordingProgram(() => OK)
  await conntrack.delete([entry(1, 53), entry(2, 53), { ...entry(3, 54), family: 'IPv6' }])
  t.strictSame(calls, ['conntrack -R -'])
  t.strictSame(inputs, [
    '-D -p udp -f ipv4 -w 0 -d 10.96.0.10 --dport 53 -r 192.168.50.1 --reply-port-src 39999\n' +
      '-D -p udp -f ipv6 -w 0 -d 10.96.0.10 --dport 54 -r 192.168.50.1 --reply-port-src 39999\n',
  ])
  await conntrack.delete([{ ...entry(1, 53), isAlone: true }])
  t.equal(
    inputs[1],
    '-D -p udp -f ipv4 -w 0 -s 10.244.0.2 --sport 1 -d 10.96.0.10 --dport 53 -r 192.168.50.1 --reply-port-src 39999\n',
    'an entry that is alone is named with its client',
  )
  calls.pop()
  await conntrack.delete([])
  t.equal(calls.length, 1, 'nothing to remove is no program')
})

void t.test('a program without batches gets single removals, and only one batch to try', async t => {
  const { conntrack, calls } = recordingProgram(([option]) => (option === '-R' ? NO_SUCH_OPTION : NOTHING_DELETED))
  await conntrack.delete([entry(1), entry(2), entry(3), entry(4), entry(5), entry(6)])
  t.equal(calls.filter(call => call === 'conntrack -R -').length, 1)
  t.strictSame(calls.slice(1, 3), [
    'conntrack -D -p udp -f ipv4 -w 0 -d 10.96.0.10 --dport 1 -r 192.168.50.1 --reply-port-src 39999',
    'conntrack -D -p udp -f ipv4 -w 0 -d 10.96.0.10 --dport 2 -r 192.168.50.1 --reply-port-src 39999',
  ])
  t.equal(calls.length, 7)
  await conntrack.delete([entry(7)])
  t.equal(calls.filter(call => call === 'conntrack -R -').length, 1)
  t.equal(calls.length, 8)
})

void t.test('single removals run a few at a time', async t => {
  let running = 0
  let most = 0
  const run: typeof runCommand = async (_name, [option]) => {
    if (option === '-R') return NO_SUCH_OPTION
    most = Math.max(most, ++running)
    await Promise.resolve()
    await Promise.resolve()
    running--
    return OK
  }
  await new ConntrackProgram(new RecordingLog(), run).delete(Array.from({ length: 40 }, (_, n) => entry(n)))
  t.equal(most, 4)
})

void t.test('a failed removal has the message of the program', async t => {
  const { conntrack, log } = recordingProgram(() => ({ exitCode: 1, stdout: '', stderr: 'conntrack: no memory\n' }))
  await t.rejects(conntrack.delete([entry(53)]), {
    code: 'PROGRAM_FAILED',
    message: /^"conntrack -D .*" failed: conntrack: no memory$/,
  })
  await t.rejects(conntrack.delete([entry(53)]), { code: 'PROGRAM_FAILED' }, 'and the next call tries again')
  t.strictSame(log.entries, [])
})

void t.test('a removal runs again when an entry expired meanwhile', async t => {
  let removals = 0
  const { conntrack, calls, log } = recordingProgram(([option]) =>
    option === '-D' && ++removals > 2 ? OK : ENTRY_VANISHED,
  )
  await conntrack.delete([entry(53)])
  t.equal(calls.filter(call => call.startsWith('conntrack -D ')).length, 3)
  t.strictSame(log.entries, [])
  await conntrack.delete([entry(54)])
  t.equal(calls.filter(call => call === 'conntrack -R -').length, 2, 'batches are still supported')

  const always = recordingProgram(() => ENTRY_VANISHED)
  await always.conntrack.delete([entry(53), entry(54)])
  t.equal(always.calls.length, 1 + 2 * 5, 'a limited number of times, and without failure')
})

void t.test('one call removes a limited number of entries in batches, and returns how many are left', async t => {
  const { conntrack, inputs } = recordingProgram(() => OK)
  t.equal(await conntrack.delete(Array.from({ length: 1030 }, (_, n) => entry(n))), 6)
  t.equal(inputs.length, 16)
  t.strictSame([...new Set(inputs.map(input => input.trim().split('\n').length))], [64])
  t.equal(await conntrack.delete(Array.from({ length: 1024 }, (_, n) => entry(n))), 0)
})

void t.test('without the program or the permission there is one warning, and no further call', async t => {
  const missing = (_: unknown, __: unknown, { packageName }: CommandOptions): CommandResult => {
    throw missingProgramFailure('conntrack', packageName)
  }
  for (const [reply, hint] of [
    [missing, /apt-get install conntrack/],
    [() => DENIED, /NET_ADMIN/],
  ] as const) {
    const { conntrack, calls, log } = recordingProgram(reply)
    t.strictSame(await Promise.all([conntrack.list('IPv4', 'UDP'), conntrack.list('IPv6', 'UDP')]), [[], []])
    const before = calls.length
    t.strictSame(await conntrack.list('IPv4', 'UDP'), [])
    await conntrack.delete([entry(53)])
    t.equal(calls.length, before, 'starts no program any more')
    t.match(log.entries, [{ severity: 'warn', message: 'Cannot remove stale flows from the kernel', fields: { hint } }])
    t.equal(log.entries.length, 1)

    const later = recordingProgram(reply)
    await later.conntrack.delete(Array.from({ length: 200 }, (_, n) => entry(n)))
    t.equal(later.calls.length, 1, 'a forbidden removal ends the others')
    t.equal(later.log.entries.length, 1)
  }
})

void t.test('any other failure of the program is thrown, and the next call tries again', async t => {
  const { conntrack, calls } = recordingProgram(() => {
    throw new ProxyFailure('PROGRAM_FAILED', 'it did not end')
  })
  await t.rejects(conntrack.list('IPv4', 'UDP'), { message: 'it did not end' })
  await t.rejects(conntrack.delete([entry(53)]), { message: 'it did not end' })
  t.equal(calls.length, 2)
})
