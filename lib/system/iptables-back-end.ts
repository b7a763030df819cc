import { ProxyFailure } from '../model/failure.js'
import { type IpFamily } from '../model/address.js'
import { missingProgramFailure, runCommand } from './command.js'
import { iptablesFailure, isDeniedSet } from './iptables-failure.js'
import { retryTransient } from './retry-transient.js'

/** Since 1.8 iptables has two back ends with separate tables in the kernel; `plain` is a build with only one. */
export type IptablesBackEnd = 'nft' | 'legacy' | 'plain'

/** Chains in table mangle by which the kubelet marks its back end (KEP-3178). */
const KUBELET_HINT = /^:KUBE-(IPTABLES-HINT|KUBELET-CANARY) /m
const SAVE_TIMEOUT_MS = 30_000

/** The rules that one back end has in the kernel. */
export interface ObservedBackEnd {
  readonly backEnd: 'nft' | 'legacy'
  /** Output of its `iptables-save`; undefined when the program is missing or cannot read. */
  readonly rules: string | undefined
}

/**
 * Chooses the back end that the node uses, as the iptables-wrappers of the Kubernetes images do: the one with the kubelet's
 * hint, else the one with more rules, else nft. Undefined when neither is available.
 */
export function chooseBackEnd(observed: readonly ObservedBackEnd[]): 'nft' | 'legacy' | undefined {
  const present = observed.filter(({ rules }) => rules !== undefined)
  const hinted = present.find(({ rules }) => KUBELET_HINT.test(rules!))
  if (hinted !== undefined) return hinted.backEnd
  const count = (backEnd: string): number =>
    (present.find(entry => entry.backEnd === backEnd)?.rules?.match(/^-A /gm) ?? []).length
  if (present.length === 2) return count('legacy') > count('nft') ? 'legacy' : 'nft'
  return present[0]?.backEnd
}

/**
 * The program of one back end, family and action: `iptables-nft-save`, `ip6tables-legacy-restore`, `iptables-save` …; without
 * an action, the one for single commands: `iptables-nft`.
 */
export function programName(family: IpFamily, backEnd: IptablesBackEnd, action?: 'save' | 'restore'): string {
  const base = family === 'IPv4' ? 'iptables' : 'ip6tables'
  return [base, backEnd === 'plain' ? undefined : backEnd, action].filter(part => part !== undefined).join('-')
}

/** The back end that this node uses, as far as this process can see. */
export interface DetectedBackEnd {
  readonly backEnd: IptablesBackEnd
  /** A back end whose rules this process cannot read, though the kernel has it: the node may use it. */
  readonly unreadable?: { readonly backEnd: IptablesBackEnd; readonly failure: ProxyFailure }
}

/**
 * Finds out which back end this node uses.
 * @throws ProxyFailure PROGRAM_MISSING without any iptables; IPTABLES_FORBIDDEN without permission; PROGRAM_FAILED …
 */
export async function detectBackEnd(): Promise<DetectedBackEnd> {
  const observed: ObservedBackEnd[] = []
  let denied: DetectedBackEnd['unreadable']
  let absent: ProxyFailure | undefined
  for (const backEnd of ['nft', 'legacy'] as const) {
    const rules = await readRules(backEnd)
    observed.push({ backEnd, rules: typeof rules === 'string' ? rules : undefined })
    if (typeof rules === 'string') continue
    if (rules.code === 'IPTABLES_ABSENT') absent ??= rules
    else if (rules.code !== 'PROGRAM_MISSING') denied ??= { backEnd, failure: rules }
  }
  const backEnd = chooseBackEnd(observed)
  // The node uses the back end whose rules this process may not read, not the one that has none.
  if (denied !== undefined && isDeniedSet(denied.failure) && isUnused(observed)) throw denied.failure
  if (backEnd !== undefined) return denied === undefined ? { backEnd } : { backEnd, unreadable: denied }
  const failure = denied?.failure ?? absent
  if (failure !== undefined) throw failure
  const rules = await readRules('plain')
  if (typeof rules === 'string') return { backEnd: 'plain' }
  throw rules.code === 'PROGRAM_MISSING' ? missingProgramFailure('iptables-save', 'iptables') : rules
}

/** Whether no back end that was read has a rule or the kubelet's hint. */
function isUnused(observed: readonly ObservedBackEnd[]): boolean {
  return observed.every(({ rules = '' }) => !/^-A /m.test(rules) && !KUBELET_HINT.test(rules))
}

/**
 * The rules of a back end, or why they cannot be read although this was tried several times.
 * @throws ProxyFailure if the program could not run to its end
 */
async function readRules(backEnd: IptablesBackEnd): Promise<string | ProxyFailure> {
  const program = programName('IPv4', backEnd, 'save')
  try {
    return await retryTransient(async () => {
      const { exitCode, stdout, stderr } = await runCommand(program, [], { timeoutMs: SAVE_TIMEOUT_MS })
      if (exitCode !== 0) throw iptablesFailure(program, stderr, '')
      return stdout
    })
  } catch (error) {
    // The other back end must not be taken instead because this one was killed.
    if (!(error instanceof ProxyFailure) || error.code === 'PROGRAM_FAILED') throw error
    return error
  }
}
