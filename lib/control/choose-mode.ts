import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type Mode } from '../modes/mode.js'

/** A mode that the operator asked for and that this node cannot do. */
export interface RejectedMode {
  readonly mode: string
  readonly reason: string
}

export interface ChosenMode {
  readonly mode: Mode
  /** Modes that were preferred to it. */
  readonly rejected: readonly RejectedMode[]
}

/**
 * Chooses the first mode that this node can do. One log line says which one it is and why not another: no node may end up in
 * another mode than its neighbours unnoticed.
 *
 * @param modes in the order of preference; a single one that is not probed alone is taken as it is
 * @param probe says why the node cannot do a mode; undefined: it can
 * @throws ProxyFailure MODE_IMPOSSIBLE when the node can do none of them
 */
export async function chooseMode(
  modes: readonly Mode[],
  probe: (mode: Mode) => Promise<string | undefined>,
  log: Log,
): Promise<ChosenMode> {
  const rejected: RejectedMode[] = []
  for (const mode of modes) {
    const isTaken = modes.length === 1 && !mode.isProbedAlone
    const reason = isTaken ? undefined : await probe(mode)
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
    hint: 'Add what is missing, or give --proxy-mode a list with a mode that this node can do, such as "ipvs,iptables,userspace"',
  })
}
