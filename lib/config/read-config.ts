import { socketPathProblem } from '../model/socket-path-problem.js'
import { checkEffects } from './check-effects.js'
import { checkTogether } from './check-together.js'
import { noteFeatureGates } from './feature-gates.js'
import { type FlagValues, flagSettings, isList } from './flag-settings.js'
import { FAST_PATH, type KnownMode, type KubeProxyConfig, type ConntrackConfig } from './kube-proxy-config.js'
import { OPTIONS } from './options.js'
import { readAddresses } from './read-addresses.js'
import { readKernelModes } from './read-kernel-modes.js'
import { readModes } from './read-modes.js'
import { readProcess } from './read-process.js'
import { SettingReader } from './setting-reader.js'
import { type ConfigNote, type Settings } from './settings.js'

/** The result of reading a configuration. */
export interface ReadConfigResult {
  readonly config: KubeProxyConfig
  /** One sentence for each invalid value; do not use `config` when there is any. */
  readonly problems: readonly string[]
  /** What the operator should know about a valid configuration. */
  readonly notes: readonly ConfigNote[]
}

/** Reads and checks all flags, and reports all problems together. `hostName` is the name of the machine. */
export function readConfig(values: FlagValues, hostName: string, knownModes: readonly KnownMode[]): ReadConfigResult {
  const { settings, problems } = flagSettings(values)
  const result = readSettings(settings, { hostName, knownModes, isFile: false })
  return { ...result, problems: [...problems, ...result.problems] }
}

/** What the settings are read for. */
export interface ReadingContext {
  /** The name of the machine. */
  readonly hostName: string
  readonly knownModes: readonly KnownMode[]
  /** Whether the settings come from a configuration file: messages name its fields. */
  readonly isFile: boolean
}

/** Reads and checks all settings, and reports all problems together. */
export function readSettings(settings: Settings, { hostName, knownModes, isFile }: ReadingContext): ReadConfigResult {
  const reader = new SettingReader(settings, isFile)
  const { modes, notes } = readModes(
    reader,
    knownModes.map(({ name }) => name),
  )
  const config: KubeProxyConfig = {
    options: optionValues(reader),
    configFile: reader.readText('config'),
    writeConfigTo: reader.readText('write-config-to'),
    kubeconfig: reader.readText('kubeconfig'),
    master: readMaster(reader),
    manifests: reader.readList('manifests'),
    manifestsStrict: reader.readSwitch('manifests-strict'),
    nodeName: readNodeName(reader, hostName),
    modes,
    ...readAddresses(reader),
    rangesAtNodePorts: reader.readSwitch('source-ranges-at-nodeports'),
    allowNodeAddressEndpoints: reader.readSwitch('allow-node-address-endpoints'),
    localhostNodePorts: reader.readSwitch('iptables-localhost-nodeports'),
    udpIdleTimeout: reader.readText('udp-timeout') === '' ? undefined : reader.readDuration('udp-timeout', 'positive'),
    fastPath: reader.readChoice('fast-path', FAST_PATH),
    reuseSourcePorts: reader.readSwitch('reuse-source-ports'),
    iptablesSyncPeriod: reader.readDuration('iptables-sync-period', 'positive'),
    iptablesMinSyncPeriod: reader.readDuration('iptables-min-sync-period', 'non-negative'),
    kernelModes: readKernelModes(reader),
    conntrack: readConntrack(reader),
    healthzStaleTimeout: reader.readDuration('healthz-stale-timeout', 'non-negative'),
    statusSocket: readStatusSocket(reader),
    dashboardAllowRemote: reader.readSwitch('dashboard-allow-remote'),
    dashboardTokenFile: reader.readText('dashboard-token-file'),
    bindAddressHardFail: reader.readSwitch('bind-address-hard-fail'),
    profiling: reader.readSwitch('profiling'),
    cleanup: reader.readSwitch('cleanup'),
    initOnly: reader.readSwitch('init-only'),
    ...readProcess(reader),
  }
  checkTogether(reader, config, knownModes)
  const effects = checkEffects(reader)
  return { config, problems: reader.problems, notes: [...notes, ...effects, ...noteFeatureGates(reader)] }
}

/** The URL of the API server; empty: none. */
function readMaster(reader: SettingReader): string {
  const text = reader.readText('master')
  if (text === '') return ''
  if (text.includes('@'))
    // The value stays out of the message, as the password must stay out of logs.
    reader.problems.push(
      `${reader.nameOf('master')}: expected a URL without user name and password, which all users of the node can see in the list of processes; put them into the kubeconfig`,
    )
  else if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    reader.addProblem('master', 'expected a URL that starts with http:// or https://')
  return text
}

/** A path as the kernel takes it for a socket: it must end somewhere. */
function readStatusSocket(reader: SettingReader): string {
  const path = reader.readText('status-socket')
  if (path === '') return path
  const problem = path.startsWith('/') ? socketPathProblem(path) : 'expected an absolute path, or an empty text'
  if (problem !== undefined) reader.addProblem('status-socket', problem)
  return path
}

/** The name of the Node, lower case: the override, or the host name. */
function readNodeName(reader: SettingReader, hostName: string): string {
  const given = reader.readValue('hostname-override')
  if (typeof given === 'string' && given !== '' && given.trim() === '')
    reader.addProblem('hostname-override', 'expected a name; leave the flag out to use the host name')
  return (reader.readText('hostname-override') || hostName).toLowerCase()
}

/** The settings of connection tracking. */
function readConntrack(reader: SettingReader): ConntrackConfig {
  return {
    maxPerCore: reader.readCount('conntrack-max-per-core'),
    min: reader.readCount('conntrack-min'),
    tcpEstablishedTimeout: reader.readKernelTimeout('conntrack-tcp-timeout-established'),
    tcpCloseWaitTimeout: reader.readKernelTimeout('conntrack-tcp-timeout-close-wait'),
    tcpBeLiberal: reader.readSwitch('conntrack-tcp-be-liberal'),
    udpTimeout: reader.readKernelTimeout('conntrack-udp-timeout'),
    udpStreamTimeout: reader.readKernelTimeout('conntrack-udp-timeout-stream'),
  }
}

function optionValues(reader: SettingReader): KubeProxyConfig['options'] {
  return Object.fromEntries(
    OPTIONS.map(option => {
      const value = reader.readValue(option.name) ?? (option.kind === 'switch' ? 'false' : isList(option) ? [] : '')
      return [option.name, typeof value === 'boolean' ? String(value) : value]
    }),
  )
}
