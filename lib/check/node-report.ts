import { type IpFamily } from '../model/address.js'
import { type OptionState } from '../system/kernel-build.js'

/** What a node has and lacks for this program, as `kube-proxy check -o json` prints it. */
export interface NodeReport {
  readonly version: string
  readonly kernel: { readonly release: string; readonly configFile: string | null }
  readonly programs: readonly ProgramReport[]
  readonly modes: readonly ModeReport[]
  readonly limits: readonly LimitReport[]
  /** The mode that the proxy would run with the same flags; null if none works. */
  readonly chosenMode: string | null
}

/** A program that the proxy runs. */
export interface ProgramReport {
  readonly program: string
  /** The version, as far as the program says it; null if it is missing. */
  readonly version: string | null
  /** The package of Debian and Ubuntu that has it. */
  readonly package: string
  readonly neededFor: string
}

/** Whether a mode works here, and everything that it lacks. */
export interface ModeReport {
  readonly mode: string
  readonly works: boolean
  readonly missing: readonly MissingRequirement[]
}

/** One thing that a mode lacks. */
export interface MissingRequirement {
  /** `-m comment`, or words such as `dummy interface`. */
  readonly what: string
  /** Null if it is the same for both. */
  readonly family: IpFamily | null
  /** Kernel options that provide it, with their state in the running kernel. */
  readonly kernelOptions: readonly { readonly option: string; readonly state: OptionState }[]
  /** The module that has it. */
  readonly module: string | null
  /** What the kernel or the program said. */
  readonly reason: string
  /** What the operator can do. */
  readonly advice: string
}

/** A limit of this node. */
export interface LimitReport {
  readonly limit: string
  /** Null if the node does not say. */
  readonly value: number | null
  /** What it means for the proxy. */
  readonly meaning: string
  /** What to do if the value is low; null if it is sufficient. */
  readonly advice: string | null
}
