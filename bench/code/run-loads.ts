import { type TeardownScope } from '../../test/support/nodes/node-network.js'
import { ContenderSession } from './contender-session.js'
import { type Contender, type ContenderName } from './contenders/contender.js'
import { type Load } from './loads/load.js'
import { timedOutSample } from './report/timed-out.js'
import { type LoadResult, type Sample } from './report/results.js'
import { TimeLimitExceeded } from './time-limit-exceeded.js'

export interface RunOptions {
  readonly loads: readonly Load[]
  readonly contenders: readonly Contender[]
  readonly rounds: number
  /** Factor for the length of each sample. */
  readonly durationFactor: number
}

/** Shows the progress. */
export interface Progress {
  startLoad(load: Load): void
  startTurn(contender: Contender, round: number, rounds: number): void
  finishLoad(load: Load, result: LoadResult): void
}

/**
 * Runs load after load, round after round, each contender in its turn, so that other work on the machine affects all of
 * them equally. If a contender fails, its sample contains the error, and the others continue.
 */
export async function runLoads(t: TeardownScope, options: RunOptions, progress: Progress): Promise<LoadResult[]> {
  const { loads, contenders, rounds, durationFactor } = options
  const selected = contenders.filter(({ name }) => loads.some(load => load.contenders.includes(name)))
  const stages = await Promise.all(selected.map(contender => ContenderSession.create(t, contender)))
  t.teardown(() => Promise.all(stages.map(stage => stage.stop())))
  const results: LoadResult[] = []
  for (const load of loads) {
    progress.startLoad(load)
    const samples: Partial<Record<ContenderName, Sample[]>> = {}
    const taking = stages.filter(({ contender }) => load.contenders.includes(contender.name))
    const through = new Set<ContenderName>()
    const turns = Math.min(rounds, load.maxRounds ?? Infinity)
    for (let round = 1; round <= turns; round++) {
      for (const stage of taking) {
        const { name } = stage.contender
        if (through.has(name)) continue
        progress.startTurn(stage.contender, round, turns)
        stage.seconds = Math.max(1, Math.round(load.seconds * durationFactor))
        const startedAt = performance.now()
        ;(samples[name] ??= []).push(await takeSample(load, stage))
        if (performance.now() - startedAt > (load.maxTurnSeconds ?? Infinity) * 1000) through.add(name)
      }
    }
    const result = { name: load.name, samples }
    results.push(result)
    progress.finishLoad(load, result)
  }
  return results
}

async function takeSample(load: Load, stage: ContenderSession): Promise<Sample> {
  try {
    return await load.takeSample(stage)
  } catch (error) {
    // The contender may be in any state.
    await stage.stop().catch(() => undefined)
    if (error instanceof TimeLimitExceeded && load.timeLimitedMetrics !== undefined)
      return timedOutSample(load.timeLimitedMetrics, error)
    return { values: {}, errors: [(error as Error).message] }
  }
}
