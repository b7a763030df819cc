import { ProxyFailure } from '../model/failure.js'
import { type IpFamily } from '../model/address.js'
import { type CommandResult, missingProgramFailure, runCommand } from './command.js'

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
  /** A back end whose rules this process may not read: the node may use it. */
  readonly unreadable?: { readonly backEnd: IptablesBackEnd; readonly reason: string }
}

/**
 * Finds out which back end this node uses.
 * @throws ProxyFailure PROGRAM_MISSING without any iptables; IPTABLES_FORBIDDEN without permission.
 */
export async function detectBackEnd(): Promise<DetectedBackEnd> {
  const observed: ObservedBackEnd[] = []
  let denied: (CommandResult & { readonly backEnd: 'nft' | 'legacy' }) | undefined
  for (const backEnd of ['nft', 'legacy'] as const) {
    const result = await runSave(programName('IPv4', backEnd, 'save'))
    if (result !== undefined && result.exitCode !== 0) denied ??= { ...result, backEnd }
    observed.push({ backEnd, rules: result?.exitCode === 0 ? result.stdout : undefined })
  }
  const backEnd = chooseBackEnd(observed)
  if (backEnd !== undefined) {
    // A back end that the kernel does not have fails too, with another message.
    if (denied === undefined || !isPermissionError(denied.stderr)) return { backEnd }
    return { backEnd, unreadable: { backEnd: denied.backEnd, reason: firstLineOf(denied.stderr) } }
  }
  if (denied !== undefined) throw permissionFailure(denied.stderr)
  const plain = await runSave('iptables-save')
  if (plain?.exitCode === 0) return { backEnd: 'plain' }
  if (plain !== undefined) throw permissionFailure(plain.stderr)
  throw missingProgramFailure('iptables-save', 'iptables')
}

/** The failure of an iptables program without permission; `stderr` has its message. */
export function permissionFailure(stderr: string): ProxyFailure {
  return new ProxyFailure('IPTABLES_FORBIDDEN', `Cannot use iptables: ${stderr.trim()}`, {
    hint: 'Run as root, or give the capability NET_ADMIN (legacy iptables needs NET_RAW too)',
  })
}

/** Whether an iptables program failed for lack of a permission; `stderr` has its message. */
export function isPermissionError(stderr: string): boolean {
  return /permission denied|must be root|operation not permitted/i.test(stderr)
}

function firstLineOf(stderr: string): string {
  return stderr.trim().split('\n')[0] ?? ''
}

async function runSave(program: string): Promise<CommandResult | undefined> {
  try {
    return await runCommand(program, [], { timeoutMs: SAVE_TIMEOUT_MS })
  } catch (error) {
    if (error instanceof ProxyFailure && error.code === 'PROGRAM_MISSING') return undefined
    throw error
  }
}
