import { ProxyFailure } from '../model/failure.js'
import { type IpFamily } from '../model/address.js'
import { type CommandResult, runCommand } from './command.js'

/** Since 1.8 iptables has two back ends with separate tables in the kernel; `plain` is a build with just one. */
export type IptablesBackEnd = 'nft' | 'legacy' | 'plain'

/** Chains that the kubelet keeps in table mangle for exactly this question (KEP-3178). */
const KUBELET_HINT = /^:KUBE-(IPTABLES-HINT|KUBELET-CANARY) /m
const SAVE_TIMEOUT_MS = 30_000

/** What one flavour has in the kernel; undefined when the program is not there or cannot read. */
export interface ObservedBackEnd {
  readonly backEnd: 'nft' | 'legacy'
  readonly rules: string | undefined
}

/**
 * Chooses the flavour that the node uses, as the iptables-wrappers of the Kubernetes images do: where the kubelet left its
 * hint, else where there are more rules, else nft. Undefined when neither is there.
 */
export function chooseBackEnd(observed: readonly ObservedBackEnd[]): 'nft' | 'legacy' | undefined {
  const present = observed.filter(({ rules }) => rules !== undefined)
  const hinted = present.find(({ rules }) => KUBELET_HINT.test(rules!))
  if (hinted !== undefined) return hinted.backEnd
  const count = (flavour: string): number =>
    (present.find(entry => entry.backEnd === flavour)?.rules?.match(/^-A /gm) ?? []).length
  if (present.length === 2) return count('legacy') > count('nft') ? 'legacy' : 'nft'
  return present[0]?.backEnd
}

/**
 * The programs of one flavour and family: `iptables-nft-save`, `ip6tables-legacy-restore`, `iptables-save` …; without an
 * action the one for single commands, `iptables-nft`.
 */
export function programName(family: IpFamily, backEnd: IptablesBackEnd, action?: 'save' | 'restore'): string {
  const base = family === 'IPv4' ? 'iptables' : 'ip6tables'
  return [base, backEnd === 'plain' ? undefined : backEnd, action].filter(part => part !== undefined).join('-')
}

/**
 * Looks which flavour this node uses.
 * @throws ProxyFailure PROGRAM_MISSING without any iptables; IPTABLES_FORBIDDEN without permission.
 */
export async function detectBackEnd(): Promise<IptablesBackEnd> {
  const observed: ObservedBackEnd[] = []
  let denied: CommandResult | undefined
  for (const flavour of ['nft', 'legacy'] as const) {
    const result = await runSave(programName('IPv4', flavour, 'save'))
    if (result !== undefined && result.exitCode !== 0) denied ??= result
    observed.push({ backEnd: flavour, rules: result?.exitCode === 0 ? result.stdout : undefined })
  }
  const flavour = chooseBackEnd(observed)
  if (flavour !== undefined) return flavour
  if (denied !== undefined) throw permissionFailure(denied.stderr)
  const plain = await runSave('iptables-save')
  if (plain?.exitCode === 0) return 'plain'
  if (plain !== undefined) throw permissionFailure(plain.stderr)
  throw new ProxyFailure('PROGRAM_MISSING', 'Cannot run "iptables-save": there is no such program in PATH', {
    hint: 'Install the package "iptables" (Debian, Ubuntu: apt-get install iptables)',
  })
}

/** The failure of a netfilter program that said why it could not read or write. */
export function permissionFailure(stderr: string): ProxyFailure {
  return new ProxyFailure('IPTABLES_FORBIDDEN', `Cannot use iptables: ${stderr.trim()}`, {
    hint: 'Run as root, or give the capability NET_ADMIN (legacy iptables needs NET_RAW too)',
  })
}

async function runSave(program: string): Promise<CommandResult | undefined> {
  try {
    return await runCommand(program, [], { timeoutMs: SAVE_TIMEOUT_MS })
  } catch (error) {
    if (error instanceof ProxyFailure && error.code === 'PROGRAM_MISSING') return undefined
    throw error
  }
}
