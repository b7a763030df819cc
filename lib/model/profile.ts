/** A request for a profile of a process: of its CPU for some time, or of its memory now. */
export type ProfileRequest = { readonly kind: 'cpu'; readonly durationMs: number } | { readonly kind: 'heap' }

/** A place in the source, as V8 describes it. */
export interface CallFrame {
  readonly functionName: string
  readonly scriptId: string
  readonly url: string
  /** From 0; -1: none. */
  readonly lineNumber: number
  readonly columnNumber: number
}

/** A tree of calls, and at which of its nodes the process was when a sample was taken. Times are microseconds. */
export interface CpuProfile {
  /** The root is first. */
  readonly nodes: readonly CpuProfileNode[]
  readonly startTime: number
  readonly endTime: number
  /** The node of each sample. */
  readonly samples?: readonly number[] | undefined
  /** The time between each sample and the one before it. */
  readonly timeDeltas?: readonly number[] | undefined
}

/** One function in a chain of calls. */
export interface CpuProfileNode {
  readonly id: number
  readonly callFrame: CallFrame
  readonly children?: readonly number[] | undefined
}

/** One function in a chain of calls, with the bytes of the objects that it has allocated and that are in use. */
export interface HeapProfileNode {
  readonly callFrame: CallFrame
  readonly selfSize: number
  readonly children: readonly HeapProfileNode[]
}

/** A profile as V8 makes it. */
export type RawProfile =
  { readonly kind: 'cpu'; readonly profile: CpuProfile } | { readonly kind: 'heap'; readonly head: HeapProfileNode }
