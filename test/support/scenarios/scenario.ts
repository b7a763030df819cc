import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { type IpAddress } from '../../../lib/model/address.js'
import { type ObjectKind } from '../../../lib/model/objects.js'
import { type ServiceHealth } from '../../../lib/snapshot/services-health.js'
import { rejectUnknownFields } from './reject-unknown-fields.js'
import { type Client, type ExpectedPacket, parsePacket, parsePackets } from './scenario-packets.js'
import { type ScenarioSettings, parseSettings } from './scenario-settings.js'

type RawObject = Readonly<Record<string, unknown>> & { readonly kind: ObjectKind }

/** What a scenario expects for one service port. */
export interface ExpectedPort {
  readonly clusterIP: string
  /** In seconds; missing without affinity. */
  readonly affinity?: number
  /** Missing for round robin. */
  readonly balancer?: string
  /** Missing without a limit. */
  readonly maxConnections?: number
  readonly maxConnectionsPerClient?: number
  readonly endpoints: readonly string[]
}

/** One state of the cluster, and what the test expects in it. */
export interface ScenarioStep {
  readonly title: string
  /** All objects; missing ones are removed. */
  readonly objects?: readonly RawObject[]
  /** New or changed objects. */
  readonly apply?: readonly RawObject[]
  /** Removed objects: `Service default/web`. */
  readonly remove?: readonly string[]
  /** The addresses of the node from now on; missing if they do not change. */
  readonly addresses?: readonly IpAddress[]
  /** Exactly what the proxy serves, by service port such as `default/web:http/TCP`. */
  readonly expect: Readonly<Record<string, ExpectedPort>>
  readonly packets: readonly ExpectedPacket[]
  /** By packet, the kinds of clients for which endpoints see the address of the node. */
  readonly masqueraded: Readonly<Record<string, readonly Client[]>>
  /** Exactly what the health check ports report, by Service such as `default/web`. */
  readonly health: Readonly<Record<string, Pick<ServiceHealth, 'port' | 'localEndpoints'>>>
  /** UDP flows in the kernel when the step begins, and whether the step keeps them. */
  readonly flows: Readonly<Record<string, 'kept' | 'forgotten'>>
  /** Exactly the reports about invalid fields in this step. */
  readonly problems: readonly string[]
  /** Exactly the warnings about the state as a whole in this step. */
  readonly warnings: readonly string[]
  /** Service ports whose entry is the same object as in the step before. */
  readonly unchanged: readonly string[]
  /** Whether the step writes rules; missing if the test does not check this. */
  readonly rules?: 'written' | 'not written'
  /** What differs in both kernel modes, or in one of them; the latter takes precedence. */
  readonly kernel?: ModeOverride
  readonly iptables?: ModeOverride
  readonly ipvs?: ModeOverride
}

export type ScenarioMode = 'userspace' | 'iptables' | 'ipvs'

/** What differs in one mode. Packets, flows and `expect` are merged by key; other fields are replaced. */
type ModeOverride = Partial<Pick<ScenarioStep, (typeof OVERRIDE_FIELDS)[number]>>

export interface Scenario {
  readonly file: string
  /** The modes in which the behaviour is true. */
  readonly modes: readonly ScenarioMode[]
  /** The behaviour in one sentence. */
  readonly behaviour: string
  readonly settings: ScenarioSettings
  readonly steps: readonly ScenarioStep[]
}

const OVERRIDES = ['kernel', 'iptables', 'ipvs'] as const
const OVERRIDE_FIELDS = ['expect', 'packets', 'masqueraded', 'flows', 'warnings', 'rules', 'unchanged'] as const
const MODES: readonly ScenarioMode[] = ['userspace', 'iptables', 'ipvs']
const TOP_FIELDS = ['behaviour', 'modes', 'node', 'families', 'flags', 'steps']
const STEP_FIELDS = [
  ...['title', 'objects', 'apply', 'remove', 'addresses', 'expect', 'packets', 'masqueraded', 'health', 'flows'],
  ...['problems', 'warnings', 'unchanged', 'rules', ...OVERRIDES],
]
const PORT_FIELDS = ['clusterIP', 'affinity', 'balancer', 'maxConnections', 'maxConnectionsPerClient', 'endpoints']
const EMPTY_EXPECTATIONS = { masqueraded: {}, health: {}, flows: {}, problems: [], warnings: [], unchanged: [] }

/** All scenarios, sorted by file name. Tests run in the compiled tree, which does not contain the scenarios. */
export function readScenarios(): Scenario[] {
  const folder = join(process.cwd(), 'test', 'scenarios')
  let names: string[]
  try {
    names = readdirSync(folder).filter(name => name.endsWith('.yaml'))
  } catch (cause) {
    throw new Error(`No folder "${folder}": run the tests from the root of the repository`, { cause })
  }
  return names.sort().map(name => parseScenario(name, readFileSync(join(folder, name), 'utf8')))
}

/** Reads one scenario. @throws Error with the place of the mistake */
export function parseScenario(file: string, text: string): Scenario {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]!.message}`)
  const top = document.toJS() as Record<string, unknown>
  const isShort = !('steps' in top)
  rejectUnknownFields(file, top, isShort ? [...TOP_FIELDS, ...STEP_FIELDS] : TOP_FIELDS)
  const { behaviour, modes = MODES, node: _node, families: _families, flags: _flags, ...step } = top
  if (typeof behaviour !== 'string') throw new Error(`${file}: "behaviour" is missing: one sentence`)
  const steps = (isShort ? [{ title: behaviour, ...step }] : top['steps']) as Record<string, unknown>[]
  if (!Array.isArray(modes) || modes.length === 0 || !modes.every(mode => MODES.includes(mode as ScenarioMode)))
    throw new Error(`${file}: "modes" are not some of ${MODES.join(', ')}`)
  return {
    file,
    behaviour,
    modes: modes as ScenarioMode[],
    settings: parseSettings(file, top),
    steps: steps.map((raw, index) => parseStep(`${file}, step ${index + 1}`, raw)),
  }
}

function parseStep(place: string, raw: Record<string, unknown>): ScenarioStep {
  rejectUnknownFields(place, raw, STEP_FIELDS)
  if (typeof raw['title'] !== 'string') throw new Error(`${place}: "title" is missing`)
  if (typeof raw['expect'] !== 'object' || raw['expect'] === null)
    throw new Error(`${place}: "expect" is missing; {} for nothing served`)
  const differences = OVERRIDES.map(name => parseOverride(place, name, raw[name]))
  return Object.assign({ ...EMPTY_EXPECTATIONS, ...raw, ...parseFields(place, raw) }, ...differences) as ScenarioStep
}

/** Reads the fields that have a special format. */
function parseFields(place: string, { expect = {}, packets = {}, masqueraded = {} }: Record<string, unknown>) {
  for (const text of Object.keys(masqueraded as object)) parsePacket(place, text)
  for (const [key, port] of Object.entries(expect as object))
    rejectUnknownFields(`${place}, ${key}`, port as object, PORT_FIELDS)
  return { packets: parsePackets(place, packets as Record<string, unknown>) }
}

function parseOverride(place: string, name: (typeof OVERRIDES)[number], raw: unknown): Partial<ScenarioStep> {
  if (raw === undefined) return {}
  rejectUnknownFields(`${place}, ${name}`, raw as object, OVERRIDE_FIELDS)
  return { [name]: { ...(raw as ModeOverride), ...parseFields(`${place}, ${name}`, raw as Record<string, unknown>) } }
}

/**
 * A step as one mode runs it. The kernel modes ignore most annotations for listeners. Rules of ipvs mode match
 * sets only, so they are written once, regardless of Services.
 */
export function stepForMode(mode: ScenarioMode, step: ScenarioStep, isFirst: boolean): ScenarioStep {
  if (mode === 'userspace') return step
  const ofMode = mode === 'ipvs' ? { ...step, rules: isFirst ? ('written' as const) : ('not written' as const) } : step
  const changed = [step.kernel, step[mode]].reduce<ScenarioStep>(applyOverride, ofMode)
  const expect = Object.entries(changed.expect).map(([name, port]) => [name, withoutListenerSettings(mode, port)])
  return { ...changed, expect: Object.fromEntries(expect) as ScenarioStep['expect'] }
}

function applyOverride(step: ScenarioStep, difference: ModeOverride = {}): ScenarioStep {
  const { packets = [], expect = {}, flows = {}, masqueraded = {}, ...others } = difference
  const isSame = (a: ExpectedPacket, b: ExpectedPacket): boolean => a.text === b.text && a.client === b.client
  return {
    ...step,
    ...others,
    expect: { ...step.expect, ...expect },
    packets: [...step.packets.filter(packet => !packets.some(other => isSame(packet, other))), ...packets],
    flows: { ...step.flows, ...flows },
    masqueraded: { ...step.masqueraded, ...masqueraded },
  }
}

function withoutListenerSettings(mode: ScenarioMode, port: ExpectedPort): ExpectedPort {
  const { balancer, maxConnections: _most, maxConnectionsPerClient: _each, ...known } = port
  return mode === 'ipvs' && balancer === 'least-connections' ? { ...known, balancer } : known
}
