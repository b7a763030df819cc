import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { type ObjectKind } from '../../lib/model/objects.js'

type RawObject = Readonly<Record<string, unknown>> & { readonly kind: ObjectKind }

/** What is served for one service port, as far as a scenario says it. */
export interface ExpectedPort {
  readonly clusterIP: string
  /** Seconds; left out: none. */
  readonly affinity?: number
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
  /** Exactly what is served: `default/web:http/TCP` to what is known of it. */
  readonly expect: Readonly<Record<string, ExpectedPort>>
  /** `10.96.0.10:80/TCP` to the service port that answers it, or to `untouched`. */
  readonly packets: Readonly<Record<string, string>>
  /** Exactly what is told about wrong fields in this step. */
  readonly problems: readonly string[]
  /** Service ports whose entry is the same object as in the step before. */
  readonly unchanged: readonly string[]
  /** Whether the kernel's rules are written in this step; left out: not looked at. */
  readonly rules?: 'written' | 'not written'
}

export interface Scenario {
  readonly file: string
  /** The behaviour, in a sentence. */
  readonly behaviour: string
  readonly node: { readonly name: string; readonly address: string }
  readonly steps: readonly ScenarioStep[]
}

const TOP_FIELDS = ['behaviour', 'node', 'steps']
const STEP_FIELDS = ['title', 'objects', 'apply', 'remove', 'expect', 'packets', 'problems', 'unchanged', 'rules']
const PORT_FIELDS = ['clusterIP', 'affinity', 'endpoints']

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
  onlyFields(file, top, isShort ? [...TOP_FIELDS, ...STEP_FIELDS] : TOP_FIELDS)
  if (typeof top.behaviour !== 'string') throw new Error(`${file}: "behaviour" is missing: one sentence`)
  const node = { name: 'node-a', address: '192.168.50.1', ...(top.node as object | undefined) }
  const { behaviour, node: _, ...step } = top
  const steps = (isShort ? [{ title: behaviour, ...step }] : top.steps) as Record<string, unknown>[]
  return { file, behaviour, node, steps: steps.map((raw, index) => readStep(`${file}, step ${index + 1}`, raw)) }
}

function readStep(place: string, raw: Record<string, unknown>): ScenarioStep {
  onlyFields(place, raw, STEP_FIELDS)
  if (typeof raw.title !== 'string') throw new Error(`${place}: "title" is missing`)
  if (typeof raw.expect !== 'object' || raw.expect === null)
    throw new Error(`${place}: "expect" is missing; {} for nothing served`)
  for (const [key, port] of Object.entries(raw.expect)) onlyFields(`${place}, ${key}`, port as object, PORT_FIELDS)
  return { packets: {}, problems: [], unchanged: [], ...raw } as unknown as ScenarioStep
}

function onlyFields(place: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find(field => !known.includes(field))
  if (unknown !== undefined) throw new Error(`${place}: "${unknown}" is none of ${known.join(', ')}`)
}
