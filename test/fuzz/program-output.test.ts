import { parseSettingsAccess } from '../../lib/check/node-limits.js'
import { parseVersion } from '../../lib/check/read-programs.js'
import { ipvsWalkthrough } from '../../lib/modes/ipvs/walkthrough.js'
import { ipFailure } from '../../lib/demo/ip-failure.js'
import { countNatPackets, readNatChains } from '../../lib/modes/nat-chains.js'
import { SetLineRefused, ipSetFailure } from '../../lib/system/ip-sets.js'
import { addressesFailure, interfaceFailure } from '../../lib/system/interface-failure.js'
import { iptablesFailure } from '../../lib/system/iptables-failure.js'
import { ipvsFailure } from '../../lib/system/ipvs-failure.js'
import { parseDeletedCount } from '../../lib/system/parse-deleted-count.js'
import { type FuzzedParser, fuzzParsers } from '../support/checks/fuzz-parsers.js'

/** What a program was given that says what is wrong with it. */
const INPUT = '*nat\n-A KUBE-SERVICES -j KUBE-X\nCOMMIT\nadd KUBE-CLUSTER-IP 10.0.0.300\n'
const LINES = INPUT.split('\n')
/** What a program prints before its own error if it may not load a module. */
const NO_MODULE = "modprobe: ERROR: could not insert 'ip_tables': Operation not permitted\n"
/** Who says why no module was loaded. */
const LOADER = /modprobe|insmod|libkmod/
/** A failure is a line of the log, and a field of an Event. */
const MAX_MESSAGE = 2000
/** What `ip -batch` prints for addresses that exist already, or are gone already. */
const ALREADY_DONE = [
  'RTNETLINK answers: File exists',
  'RTNETLINK answers: Cannot assign requested address',
  'Error: ipv4: Address already assigned.',
  'Error: ipv6: address already assigned.',
  'Error: ipv4: Address not found.',
  'Error: ipv6: address not found.',
].join('\n')
const PORT = { clusterIP: '10.96.0.10', port: 80, protocol: 'TCP' } as const

/** What the programs that the proxy runs print, and how they fail. By folder of the corpus. */
const PARSERS: Readonly<Record<string, FuzzedParser>> = {
  'program-errors': text => {
    const failures = [
      iptablesFailure('iptables-restore', text, INPUT),
      ipSetFailure(['restore'], text, INPUT),
      ipvsFailure(text, 'Cannot add a virtual server'),
      interfaceFailure(text),
      ipFailure(['-batch', '-'], text, INPUT),
    ]
    const [ofIptables, , ofIpvs] = failures
    // If the program itself says nothing, what modprobe says is all there is to read.
    const hasOwnLine = text.split('\n').some(line => line.trim() !== '' && !LOADER.test(line))
    for (const [failure, before] of [
      [iptablesFailure('iptables-restore', `${NO_MODULE}${text}`, INPUT), ofIptables],
      [ipvsFailure(`${NO_MODULE}${text}`, 'Cannot add a virtual server'), ofIpvs],
    ] as const)
      check(
        !hasOwnLine || (failure.message === before?.message && failure.code === before.code),
        'what modprobe says is not the reason',
      )
    for (const failure of failures) {
      const { message } = failure
      check(message.length < MAX_MESSAGE, `${message.length} characters`)
      check(!/[\x00-\x09\x0b-\x1f\x7f]/.test(message), JSON.stringify(message))
      const [, number, line] = /^"[^"]*" failed, at line (\d+): "(.*?)": /.exec(message) ?? []
      if (number !== undefined) check(LINES[Number(number) - 1] === line, `line ${number}: ${line}`)
      if (failure instanceof SetLineRefused) check(LINES.includes(failure.line), failure.line)
    }
  },
  'ip-batch': text => {
    check(addressesFailure(`Command failed -:1\n${ALREADY_DONE}`) === undefined, 'changes that are done already')
    const failure = addressesFailure(`${text}\n${ALREADY_DONE}`)
    const isRefused = text
      .split('\n')
      .some(line => !/^Command failed|^\s*$/.test(line) && !ALREADY_DONE.split('\n').includes(line))
    if (!isRefused) check(failure === undefined, failure?.message ?? '')
    check(addressesFailure(`${text}\nRTNETLINK answers: Permission denied\n`)?.code === 'IPVS_FORBIDDEN', 'its code')
  },
  'deleted-entries': text => {
    const count = parseDeletedCount(text)
    if (count !== undefined) check(text.includes(`${count} flow entries`), String(count))
  },
  mounts: text => {
    check(!parseSettingsAccess(`${text}\nproc /proc/sys proc nosuid,ro 0 0\n`), 'the last mount is read-only')
    check(parseSettingsAccess(`${text}\nproc /proc/sys proc rw,errors=ro 0 0\n`), 'the last mount can be written')
  },
  'program-version': text => {
    const version = parseVersion(text)
    check(version !== '' && !version.includes('\n'), JSON.stringify(version))
  },
  counters: async text => {
    const node = { run: () => Promise.resolve({ stdout: text }) }
    for (const count of [await countNatPackets(node, /^KUBE/, PORT), await ipvsWalkthrough.readCount(node, PORT)])
      check(count >= 0, `${count} packets`)
    await readNatChains(node, /^KUBE/)
  },
}

fuzzParsers(PARSERS)

/** Throws what a parser has read wrongly. */
function check(isRight: boolean, found: string): void {
  if (!isRight) throw new Error(`A wrong value was read: ${found}`)
}
