import { messageOf } from '../model/failure.js'
import { type IpSets, SetLineRefused } from './ip-sets.js'

/** More refused lines than this at a time have a common reason, which another try may not have. */
const MAX_REFUSED = 20
/** A line that changes one entry: `add KUBE-CLUSTER-IP 10.96.0.10,tcp:80`. */
const ENTRY_LINE = /^(?:add|del) /

/** A line of `ipset restore` that the kernel or the program refuses. */
export interface RefusedSetLine {
  readonly line: string
  readonly reason: string
}

/**
 * Executes lines of `ipset restore`. One entry that is refused does not keep the others out: the lines run again without it.
 * @returns the lines of entries that were refused
 * @throws ProxyFailure for any other failure, and if too many lines are refused
 */
export async function restoreSets(sets: IpSets, text: string): Promise<readonly RefusedSetLine[]> {
  const refused: RefusedSetLine[] = []
  for (let rest = text; ;) {
    try {
      if (rest !== '') await sets.restore(rest)
      return refused
    } catch (error) {
      if (!(error instanceof SetLineRefused) || refused.length === MAX_REFUSED) throw error
      const { line } = error
      if (!ENTRY_LINE.test(line)) throw error
      refused.push({ line, reason: messageOf(error) })
      // Lines that have taken effect already have none the second time.
      rest = rest.replace(`${line}\n`, '')
    }
  }
}
