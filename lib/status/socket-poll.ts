import {
  type HappeningFilter,
  type InspectedHappening,
  type InspectedProcess,
  type Inspection,
} from '../dataplane/inspect-request.js'
import { type ViewedHappening, viewHappenings } from './happening-view.js'
import { type StatusSources } from './status-sources.js'

/** What is new in the processes that have replied. */
export interface SocketNews {
  /** In order. */
  readonly happened: readonly ViewedHappening[]
  /** Whether there was more. */
  readonly isSampled: boolean
  readonly missing: Inspection['missing']
}

/** What a process has said so far. One that does not reply for a while goes on from there. */
interface Known {
  readonly pid: number
  /** The `sequence` of the last happening. */
  readonly sequence: number
}

/** Asks the processes with the sockets, and says what is new since it asked last: nothing the first time. */
export class SocketPoll {
  readonly #sources: Pick<StatusSources, 'inspect' | 'wallTime'>
  /** By worker. Another process in the place of a worker begins again. */
  readonly #known = new Map<number | undefined, Known>()

  constructor(sources: Pick<StatusSources, 'inspect' | 'wallTime'>) {
    this.#sources = sources
  }

  /**
   * What passes one of the filters.
   * @param filters also of what happens from now on
   */
  async next(filters: readonly HappeningFilter[]): Promise<SocketNews> {
    const happenedAfter = new Map([...this.#known.values()].map(({ pid, sequence }) => [pid, sequence]))
    const everything = { namespace: undefined, service: undefined, limit: Infinity }
    const asked = this.#sources.inspect({ what: 'happenings', ...everything, happenedAfter, filters })
    const { processes, missing } = (await asked) ?? { processes: [], missing: [] }
    return {
      // All of them: some would end the search for gaps.
      isSampled: processes.map(process => this.#take(process)).includes(true),
      happened: viewHappenings(processes, this.#sources.wallTime()),
      missing,
    }
  }

  /** @returns whether there was more */
  #take({ worker, pid, rows }: InspectedProcess): boolean {
    const known = this.#known.get(worker)
    let sequence = known?.pid === pid ? known.sequence : 0
    // What the process before it had not reported yet, and what has happened in this one so far, is lost.
    let hasGap = known !== undefined && known.pid !== pid
    for (const row of rows as readonly InspectedHappening[]) {
      hasGap ||= row.sequence > sequence + 1
      sequence = row.sequence
    }
    this.#known.set(worker, { pid, sequence })
    return hasGap
  }
}
