import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'

/** A mode that the operator prefers, but that does not work on this node. */
export interface RejectedMode {
  readonly mode: string
  readonly reason: string
}

/** The mode that this process runs, and why not another one. */
export interface ChosenMode {
  readonly mode: Mode
  /** The modes before it in the list, with the reasons why they do not work. */
  readonly rejected: readonly RejectedMode[]
}

/**
 * Chooses the first mode that works on this node. One log line names it and gives the reasons against the others, so that an
 * operator notices when one node uses another mode than the rest.
 *
 * @param modes in the order of preference; a single mode whose `isProbedAlone` is false is chosen without a probe
 * @param probe returns why a mode does not work on this node, or undefined if it does
 * @throws ProxyFailure MODE_IMPOSSIBLE if none of them works
 */
export async function chooseMode(
  modes: readonly Mode[],
  probe: (mode: Mode) => Promise<string | undefined>,
  log: Log,
): Promise<ChosenMode> {
  const rejected: RejectedMode[] = []
  for (const mode of modes) {
    const skipsProbe = modes.length === 1 && !mode.isProbedAlone
    const reason = skipsProbe ? undefined : await probe(mode)
    if (reason === undefined) {
      const reasons = Object.fromEntries(rejected.map(other => [`not_${other.mode}`, other.reason]))
      log.info(0, 'Serving Services', { mode: mode.name, ...reasons })
      return { mode, rejected }
    }
    rejected.push({ mode: mode.name, reason })
  }
  const names = modes.map(({ name }) => name).join(',')
  const reasons = rejected.map(({ mode, reason }) => `${mode}: ${reason}`).join('; ')
  throw new ProxyFailure('MODE_IMPOSSIBLE', `Cannot serve in mode "${names}" on this node: ${reasons}`, {
    hint: 'Install what is missing, or set --proxy-mode to a list with a mode that works on this node, such as "ipvs,iptables,userspace"',
  })
}
