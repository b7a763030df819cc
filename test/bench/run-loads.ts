import { type Teardown } from '../support/node-network.js'
import { ContenderStage } from './contender-stage.js'
import { type Contender, type ContenderName } from './contenders/contender.js'
import { type Load } from './loads/load.js'
import { overLimit } from './report/over-limit.js'
import { type LoadResult, type Sample } from './report/results.js'
import { TakesTooLong } from './takes-too-long.js'

export interface RunOptions {
  readonly loads: readonly Load[]
  readonly contenders: readonly Contender[]
  readonly rounds: number
  /** What the length of each sample is multiplied with. */
  readonly haste: number
}

/** Told of what happens, to show it. */
export interface Progress {
  load(load: Load): void
  turn(contender: Contender, round: number, rounds: number): void
  done(load: Load, result: LoadResult): void
}

/**
 * Load after load, round after round, each contender in its turn: whatever else the machine does meanwhile meets all of
 * them alike. A contender that fails at a load has a sample that says so, and the others go on.
 */
export async function runLoads(t: Teardown, options: RunOptions, progress: Progress): Promise<LoadResult[]> {
  const { loads, contenders, rounds, haste } = options
  const wanted = contenders.filter(({ name }) => loads.some(load => load.contenders.includes(name)))
  const stages = await Promise.all(wanted.map(contender => ContenderStage.create(t, contender)))
  t.teardown(() => Promise.all(stages.map(stage => stage.stop())))
  const results: LoadResult[] = []
  for (const load of loads) {
    progress.load(load)
    const samples: Partial<Record<ContenderName, Sample[]>> = {}
    const taking = stages.filter(({ contender }) => load.contenders.includes(contender.name))
    const through = new Set<ContenderName>()
    const turns = Math.min(rounds, load.mostRounds ?? Infinity)
    for (let round = 1; round <= turns; round++) {
      for (const stage of taking) {
        const { name } = stage.contender
        if (through.has(name)) continue
        progress.turn(stage.contender, round, turns)
        stage.seconds = Math.max(1, Math.round(load.seconds * haste))
        const startedAt = performance.now()
        ;(samples[name] ??= []).push(await sampleOf(load, stage))
        if (performance.now() - startedAt > (load.longTurn ?? Infinity) * 1000) through.add(name)
      }
    }
    const result = { name: load.name, samples }
    results.push(result)
    progress.done(load, result)
  }
  return results
}

async function sampleOf(load: Load, stage: ContenderStage): Promise<Sample> {
  try {
    return await load.run(stage)
  } catch (error) {
    // It may have been left in any state.
    await stage.stop().catch(() => undefined)
    if (error instanceof TakesTooLong && load.limited !== undefined) return overLimit(load.limited, error)
    return { values: {}, errors: [(error as Error).message] }
  }
}
