import { isDeepStrictEqual } from 'node:util'
import { parseDuration } from '../../lib/config/duration.js'
import { parseBool } from '../../lib/config/parse-bool.js'
import { parseNodePortAddress } from '../../lib/config/read-addresses.js'
import { readSettings } from '../../lib/config/read-config.js'
import { parseIp } from '../../lib/model/address.js'
import { parseCidr } from '../../lib/model/cidr.js'
import { parsePortRange } from '../../lib/model/port-range.js'
import { parseDestination } from '../../lib/explain/destination-text.js'
import { parseSender } from '../../lib/explain/sender-text.js'
import { parseRuleTables } from '../../lib/netfilter/rule-tables.js'
import { type NodeFacts, type Packet } from '../../lib/netfilter/walk/packet-view.js'
import { ruleSentence } from '../../lib/netfilter/walk/rule-sentence.js'
import { walkRules } from '../../lib/netfilter/walk/walk-rules.js'
import { parseKernelTicks, parseRecentList } from '../../lib/system/recent-lists.js'
import { parseRoutes } from '../../lib/system/routes.js'
import { parseIptablesSave } from '../../lib/netfilter/iptables-save.js'
import { parseRuleEvent } from '../../lib/netfilter/rule-event.js'
import { parseInteger } from '../../lib/primitives/parse-integer.js'
import { MODES } from '../../lib/modes/registry.js'
import { ApiRefusal } from '../../lib/source/api-failure.js'
import { parseListenAddress } from '../../lib/observe/listen-address.js'
import { LineSplitter } from '../../lib/source/line-splitter.js'
import { parseConfigurationFile } from '../../lib/source/read-configuration-file.js'
import { parseManifest } from '../../lib/source/parse-manifest.js'
import { readKubeconfig } from '../../lib/source/read-kubeconfig.js'
import { readYaml } from '../../lib/source/read-yaml.js'
import { readObjectList, readWatchLine } from '../../lib/source/watch-event.js'
import { parseFlowEntries } from '../../lib/system/conntrack.js'
import { parseIpSetText } from '../../lib/system/ip-set-text.js'
import { parseIpvsText } from '../../lib/system/ipvs-text.js'
import { parseKernelConfig } from '../../lib/system/kernel-build.js'
import { parsePersistedClients } from '../../lib/system/persisted-client.js'
import { parseFibTrie, parseIpv6Routes } from '../../lib/system/local-routes.js'
import { type FuzzedParser, fuzzParsers } from '../support/checks/fuzz-parsers.js'

/** Packets that meet the rules of a text. */
const PACKETS: readonly Packet[] = [
  {
    hook: 'PREROUTING',
    protocol: 'TCP',
    source: '10.244.0.2',
    destination: '10.96.0.10',
    port: 80,
    inInterface: 'cni0',
  },
  { hook: 'OUTPUT', protocol: 'UDP', source: 'fd00::1', destination: 'fd00:96::a', port: 53 },
]
const NO_FACTS: NodeFacts = {
  isOwnAddress: () => false,
  interfaceTo: () => undefined,
  addressOf: () => undefined,
  findSet: () => undefined,
  secondsInList: () => undefined,
  findVirtualServer: () => undefined,
}

/** What each parser of the product is given by others, by the folder of its corpus. */
const PARSERS: Readonly<Record<string, FuzzedParser>> = {
  'iptables-save': text => {
    const rules = parseRuleTables(text)
    if (!isDeepStrictEqual(rules.tables, parseIptablesSave(text))) throw new Error('The two parsers read other rules')
    const all = [...rules.tables.values()].flatMap(chains => [...chains.values()].flat())
    return [all.map(args => ruleSentence(args)), PACKETS.map(packet => walkRules(rules, packet, NO_FACTS).paths.length)]
  },
  'recent-list': text => [parseRecentList(text), parseKernelTicks(text)],
  routes: text => [parseRoutes(text, 'IPv4'), parseRoutes(text, 'IPv6')],
  'rule-event': text => text.split('\n').map(parseRuleEvent),
  'ip-set': text => parseIpSetText(text, 'KUBE-'),
  ipvs: parseIpvsText,
  'ipvs-connections': parsePersistedClients,
  conntrack: text => [parseFlowEntries(text, 'IPv4'), parseFlowEntries(text, 'IPv6')],
  'kernel-routes': text => [parseFibTrie(text), parseIpv6Routes(text)],
  'kernel-config': parseKernelConfig,
  yaml: text => readYaml(text).map(({ value, problems, placeOf }) => [value, problems, placeOf([])]),
  manifest: text => parseManifest(text, 'file.yaml'),
  kubeconfig: text => readKubeconfig(text, '/folder/config'),
  configuration: text => {
    const { settings, problems, notes } = parseConfigurationFile(text, 'file')
    return [problems, notes, readSettings(settings, { hostName: 'host', knownModes: MODES, isFile: true })]
  },
  'watch-line': text => {
    const event = readWatchLine(text)
    return [event, readObjectList(event)]
  },
  'watch-stream': text => {
    const bytes = Buffer.from(text)
    const whole = new LineSplitter().push(bytes)
    const splitter = new LineSplitter()
    const parts = [...bytes].flatMap(byte => splitter.push(Buffer.of(byte)))
    if (JSON.stringify(parts) !== JSON.stringify(whole)) throw new Error('byte by byte, the lines are different')
    return whole.map(readWatchLine)
  },
  'api-refusal': text =>
    new ApiRefusal(
      { server: 'https://192.0.2.1:6443', path: '/api/v1/services?watch=true' },
      { status: 500, headers: { 'retry-after': text.split('\n', 1)[0]! }, body: text, now: 0 },
    ),
  values: text =>
    [
      parseSender,
      parseDestination,
      parseDuration,
      parseBool,
      parseIp,
      parseCidr,
      parseListenAddress,
      parsePortRange,
      parseNodePortAddress,
      parseInteger,
    ].map(parse => parse(text)),
}

fuzzParsers(PARSERS)
