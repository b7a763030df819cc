import { answerFromLists } from '../../lib/dataplane/transport/tcp-table.js'
import { parseLeftoverRecord } from '../../lib/demo/parse-leftover-record.js'
import { parseDoneLessons } from '../../lib/learn/parse-done-lessons.js'
import { parseExecCredential } from '../../lib/source/parse-exec-credential.js'
import { proxyForUrl } from '../../lib/source/proxy-for-url.js'
import { parseInterfaceAddresses } from '../../lib/system/interface-addresses.js'
import { ipvsSettings } from '../../lib/system/ipvs-settings.js'
import { parseKernelRelease } from '../../lib/system/kernel-release.js'
import { canTurnBack, parseLinks } from '../../lib/system/links.js'
import { parseClusterResolver } from '../../lib/doctor/ask-dns.js'
import { parseIp } from '../../lib/model/address.js'
import { parseDefaultInterface } from '../../lib/system/node-addresses.js'
import { parseTcpMemory, parseUdpPorts } from '../../lib/system/node-resources.js'
import { parseBoundSockets, parseProcessStat } from '../../lib/system/process-facts.js'
import { type UsageFiles, parseProcessUsage } from '../../lib/system/process-usage.js'
import { parseCapabilities } from '../../lib/system/without-capabilities.js'
import { readCorpus } from '../support/checks/corpus.js'
import { type FuzzedParser, fuzzParsers } from '../support/checks/fuzz-parsers.js'

const API_VERSION = 'client.authentication.k8s.io/v1'
const PROXY = 'http://proxy:3128'
const URLS = ['https://api.example.com:6443', 'https://10.96.0.1', 'https://[fd00:96::1]:6443', 'https://[::1]:6443']
const [LIMITS, MACHINE_STAT, STAT, STATUS] = readCorpus('process-files') as [string, string, string, string]
const GOOD_FILES: UsageFiles = { limits: LIMITS, machineStat: MACHINE_STAT, stat: STAT, status: STATUS }
/** A connection of the corpus: both of its ends, as the kernel lists them. */
const CONNECTION = '0100007F:1F90 0100007F:D431'

/** What the node gives: output of `ip` and of programs for credentials, files of the kernel, the environment. By folder of the corpus. */
const PARSERS: Readonly<Record<string, FuzzedParser>> = {
  'ip-address': text => {
    for (const ip of parseInterfaceAddresses(text)) check(!ip.startsWith('fe80'), ip)
  },
  'ip-link': text => {
    const links = parseLinks(text)
    for (const { name, kind, bridge } of links) {
      check(
        [kind, bridge].every(each => each === undefined || typeof each === 'string'),
        JSON.stringify([kind, bridge]),
      )
      canTurnBack(links, name)
    }
  },
  'exec-credential': text => {
    const { token, cert, key, certValidity, expiresAt } = parseExecCredential(text, API_VERSION)
    check(token !== undefined || cert !== undefined, 'no credential')
    check((cert === undefined) === (key === undefined), 'a part of a pair')
    check((cert === undefined) === (certValidity === undefined), 'a certificate without validity')
    for (const time of Object.values(certValidity ?? {})) check(!Number.isNaN(time), 'no time of a certificate')
    check(!Number.isNaN(expiresAt), 'no time')
    if (token !== undefined) new Headers({ Authorization: `Bearer ${token}` })
  },
  'no-proxy': text => {
    for (const url of URLS) {
      const proxy = proxyForUrl(new URL(url), { HTTPS_PROXY: PROXY, NO_PROXY: text })
      check(proxy === undefined || proxy === PROXY, String(proxy))
      if (url.includes('[::1]') || text.split(',').some(entry => entry.trim() === '*')) check(proxy === undefined, url)
    }
  },
  'process-files': text => {
    const { startTime = '0', parentPid = 0 } = parseProcessStat(text) ?? {}
    check(/^\d+$/.test(startTime) && parentPid >= 0, `${startTime} ${parentPid}`)
    const capabilities = parseCapabilities(text) ?? 0n
    check(BigInt.asUintN(64, capabilities) === capabilities, String(capabilities))
    for (const name of Object.keys(GOOD_FILES)) {
      const usage = parseProcessUsage({ ...GOOD_FILES, [name]: text })
      check(
        Object.values(usage ?? {}).every(value => value >= 0),
        JSON.stringify(usage),
      )
    }
  },
  sockets: async text => {
    check(
      parseBoundSockets(text).every(inode => /^\d+$/.test(inode)),
      'no inode',
    )
    const lines = text.split('\n').slice(1)
    let answers = 0
    const missing = await answerFromLists([text, text], 0, new Map([[CONNECTION, () => answers++]]), new Set())
    check(answers + missing.size === 1, 'each question has one answer, now or later')
    if (answers === 1)
      check(
        lines.some(line => line.includes(`: ${CONNECTION}`)),
        'it is not in the list',
      )
  },
  'default-route': text => {
    for (const family of ['IPv4', 'IPv6'] as const) check(!/\s/.test(parseDefaultInterface(text, family) ?? ''), family)
  },
  resolver: text => {
    const { domain, servers } = parseClusterResolver(text) ?? {}
    if (domain !== undefined)
      check(/^[a-z0-9][a-z0-9.-]*$/i.test(domain) && servers!.every(ip => parseIp(ip) === ip), domain)
  },
  'socket-counts': text => {
    const [range, counts, counts6, limits] = readCorpus('socket-counts') as [string, string, string, string]
    for (const memory of [parseTcpMemory(text, limits), parseTcpMemory(counts, text)])
      if (memory !== undefined) check(memory.used >= 0 && memory.pressure > 0, JSON.stringify(memory))
    for (const ports of [parseUdpPorts(text, [counts, counts6]), parseUdpPorts(range, [text, counts6])])
      if (ports !== undefined) check(ports.total > 0 && ports.inUse >= 0, JSON.stringify(ports))
  },
  'kernel-release': text => {
    const release = parseKernelRelease(text)
    const isChanged = ipvsSettings(text, false).some(({ file }) => file === 'vs/conn_reuse_mode')
    if (release === undefined) return check(!isChanged, 'the setting of an unknown kernel is changed')
    const { major, minor } = release
    check(Number.isInteger(major) && Number.isInteger(minor), `${major}.${minor}`)
    check(
      text
        .replace(/^0+(?=\d)/, '')
        .replace(/^(\d+\.)0+(?=\d)/, '$1')
        .startsWith(`${major}.${minor}`),
      `${major}.${minor}`,
    )
    check(isChanged === major * 1e6 + minor < 5_000_009, `the setting for ${major}.${minor}`)
  },
  'demo-record': text => {
    const { owner, created } = parseLeftoverRecord(text, 'file')
    check(Number.isInteger(owner.pid), String(owner.pid))
    for (const resource of created) check(typeof Object.values(resource)[0] === 'string', JSON.stringify(resource))
  },
  'done-lessons': text => {
    for (const number of parseDoneLessons(text)) check(Number.isInteger(number), String(number))
  },
}

fuzzParsers(PARSERS)

/** Throws what a parser has read wrongly. */
function check(isRight: boolean, found: string): void {
  if (!isRight) throw new Error(`A wrong value was read: ${found}`)
}
