import { Function as PprofFunction, Line, Location, Profile, Sample, StringTable, ValueType } from 'pprof-format'
import {
  type CallFrame,
  type CpuProfile,
  type CpuProfileNode,
  type HeapProfileNode,
  type RawProfile,
} from '../model/profile.js'

/** A node of V8's call trees. */
interface CallNode {
  readonly callFrame: CallFrame
  readonly children: readonly CallNode[]
  /** For each kind of value of the profile. */
  readonly values: readonly number[]
}

/** The values of a profile, in kind and unit. Viewers show the last one by default. */
const CPU_VALUES = [
  ['samples', 'count'],
  ['cpu', 'nanoseconds'],
] as const
const HEAP_VALUES = [['inuse_space', 'bytes']] as const
/** V8's name for the time in which nothing ran. Go's profiles do not contain that time either. */
const IDLE = '(idle)'

/**
 * A profile in the format of pprof (profile.proto), not compressed yet: `go tool pprof`, Grafana Pyroscope, Speedscope and others
 * open it.
 * @param takenAt milliseconds since 1970
 */
export function pprofProfile(raw: RawProfile, takenAt: number): Uint8Array {
  const isCpu = raw.kind === 'cpu'
  const strings = new StringTable()
  const valueTypes = (isCpu ? CPU_VALUES : HEAP_VALUES).map(
    ([type, unit]) => new ValueType({ type: strings.dedup(type), unit: strings.dedup(unit) }),
  )
  const frames = new Frames(strings)
  const sample: Sample[] = []
  const addSamples = ({ callFrame, children, values }: CallNode, callers: readonly number[]): void => {
    const stack = [frames.locationOf(callFrame), ...callers]
    if (values.some(value => value > 0)) sample.push(new Sample({ locationId: stack, value: [...values] }))
    for (const child of children) addSamples(child, stack)
  }
  for (const child of isCpu ? cpuRoots(raw.profile) : heapRoots(raw.head)) addSamples(child, [])
  const durationMs = isCpu ? (raw.profile.endTime - raw.profile.startTime) / 1000 : 0
  return new Profile({
    stringTable: strings,
    sampleType: valueTypes,
    periodType: valueTypes.at(-1)!,
    period: isCpu ? 1_000_000 : 512 * 1024,
    sample,
    location: frames.locations,
    function: frames.functions,
    timeNanos: BigInt(Math.round(takenAt - durationMs)) * 1_000_000n,
    durationNanos: Math.round(durationMs * 1_000_000),
  }).encode()
}

/** The functions and positions of a profile, each with a number from 1. */
class Frames {
  readonly locations: Location[] = []
  readonly functions: PprofFunction[] = []
  readonly #strings: StringTable
  readonly #ids = new Map<string, number>()

  constructor(strings: StringTable) {
    this.#strings = strings
  }

  locationOf({ functionName, scriptId, url, lineNumber, columnNumber }: CallFrame): number {
    const key = `${functionName} ${scriptId} ${lineNumber} ${columnNumber}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#ids.size + 1
    this.#ids.set(key, id)
    const name = this.#strings.dedup(functionName === '' ? '(anonymous)' : functionName)
    // V8 counts lines from 0, and -1 is none.
    const line = lineNumber + 1
    this.functions.push(
      new PprofFunction({ id, name, systemName: name, filename: this.#strings.dedup(url), startLine: line }),
    )
    this.locations.push(new Location({ id, line: [new Line({ functionId: id, line })] }))
    return id
  }
}

/** The calls below V8's root node, with the number of samples of each, and the nanoseconds between these and the next ones. */
function cpuRoots({ nodes, samples = [], timeDeltas = [] }: CpuProfile): readonly CallNode[] {
  const values = new Map<number, [number, number]>()
  samples.forEach((id, index) => {
    const value = values.get(id) ?? [0, 0]
    value[0]++
    // The first difference is that to the start of the profile.
    value[1] += Math.max(0, timeDeltas[index + 1] ?? 0) * 1000
    values.set(id, value)
  })
  const byId = new Map(nodes.map(node => [node.id, node]))
  const build = ({ id, callFrame, children = [] }: CpuProfileNode): CallNode => ({
    callFrame,
    children: children.map(child => build(byId.get(child)!)),
    values: callFrame.functionName === IDLE ? [0, 0] : (values.get(id) ?? [0, 0]),
  })
  return nodes[0] === undefined ? [] : build(nodes[0]).children
}

/** The calls below V8's root node, with the bytes of the objects that they allocated and that are still in use. */
function heapRoots({ children }: HeapProfileNode): readonly CallNode[] {
  const build = ({ callFrame, selfSize, children }: HeapProfileNode): CallNode => ({
    callFrame,
    children: children.map(build),
    values: [selfSize],
  })
  return children.map(build)
}
