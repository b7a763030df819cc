import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { type IpAddress } from '../../../lib/model/address.js'
import { type ObjectKind } from '../../../lib/model/objects.js'
import { type ServiceHealth } from '../../../lib/model/service-health.js'
import { rejectUnknownFields } from './reject-unknown-fields.js'
import { type Client, type ExpectedPacket, parsePacket, parsePackets } from './scenario-packets.js'
import { type ScenarioSettings, parseSettings } from './scenario-settings.js'

type RawObject = Readonly<Record<string, unknown>> & { readonly kind: ObjectKind }

/** What is served for one service port, as far as a scenario says it. */
export interface ExpectedPort {
  readonly clusterIP: string
  /** Seconds; left out: none. */
  readonly affinity?: number
  /** Left out: round robin. */
  readonly balancer?: string
  /** Left out: no limit. */
  readonly maxConnections?: number
  readonly maxConnectionsPerClient?: number
  readonly endpoints: readonly string[]
}

/** One state of the world, and what must be true then. */
export interface ScenarioStep {
  readonly title: string
  /** The whole world: what is not in it is gone. */
  readonly objects?: readonly RawObject[]
  /** Objects that are new or changed. */
  readonly apply?: readonly RawObject[]
  /** Objects that are gone: `Service default/web`. */
  readonly remove?: readonly string[]
  /** The addresses that the node has from now on; left out: those it had. */
  readonly addresses?: readonly IpAddress[]
  /** Exactly what is served: `default/web:http/TCP` to what is known of it. */
  readonly expect: Readonly<Record<string, ExpectedPort>>
  readonly packets: readonly ExpectedPacket[]
  /** By packet those of pod, node and outside in whose place endpoints see the node. */
  readonly masqueraded: Readonly<Record<string, readonly Client[]>>
  /** Exactly what load balancers are told: `default/web` to the port where they ask, and the count they get. */
  readonly health: Readonly<Record<string, Pick<ServiceHealth, 'port' | 'localEndpoints'>>>
  /** UDP flows that the kernel remembers when the step begins, and what becomes of them. */
  readonly flows: Readonly<Record<string, 'kept' | 'forgotten'>>
  /** Exactly what is told about wrong fields in this step. */
  readonly problems: readonly string[]
  /** Exactly what is told about the state as a whole in this step. */
  readonly warnings: readonly string[]
  /** Service ports whose entry is the same object as in the step before. */
  readonly unchanged: readonly string[]
  /** Whether the kernel's rules are written in this step; left out: not looked at. */
  readonly rules?: 'written' | 'not written'
  /** What is otherwise in both kernel modes, and what in one of them alone, which counts more. */
  readonly kernel?: ModeOverride
  readonly iptables?: ModeOverride
  readonly ipvs?: ModeOverride
}

export type ScenarioMode = 'userspace' | 'iptables' | 'ipvs'

/** What is to be true in one mode instead: packets, flows and what is expected one by one, all else as a whole. */
type ModeOverride = Partial<Pick<ScenarioStep, (typeof OVERRIDE_FIELDS)[number]>>

export interface Scenario {
  readonly file: string
  /** Those in which it is true. */
  readonly modes: readonly ScenarioMode[]
  /** The behaviour, in a sentence. */
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

/** All scenarios of the folder, by name. Tests run from the compiled tree, and scenarios are not compiled. */
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

/** Reads one scenario; what cannot be meant is an error that says where. */
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

/** The fields that have a form of their own. */
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
 * A step as it is in one mode. The kernel modes know little of what annotations say of listeners. Rules of ipvs mode ask sets
 * alone: they are written once, whatever Services come and go.
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
