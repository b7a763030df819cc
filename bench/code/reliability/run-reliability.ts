import { TIMEOUT_FACTOR } from '../../../test/support/nodes/timeout-factor.js'
import { original } from '../contenders/original.js'
import { thisProxy } from '../contenders/this-proxy.js'
import { CleanupStack } from '../cleanup-stack.js'
import { readEnvironment } from '../report/environment.js'
import { computeCaseFigures } from './case-figures.js'
import { CaseSite } from './case-site.js'
import { type ReliabilityCase } from './cases/reliability-case.js'
import { type CaseResult, type ReliabilityResults } from './reliability-results.js'
import { DRAIN_SECONDS, type Setup } from './setups.js'

/** How long one case may take, in milliseconds. */
const CASE_TIMEOUT_MS = 120_000 * TIMEOUT_FACTOR

/** Called after each case of each setup. */
export type OnResult = (result: CaseResult, which: ReliabilityCase, setup: Setup) => void

/** Runs each case with each setup that it applies to, one after the other, each on a node of its own. */
export async function runReliability(
  cases: readonly ReliabilityCase[],
  setups: readonly Setup[],
  onResult: OnResult,
): Promise<ReliabilityResults> {
  const missing: Record<string, string> = {}
  const available = setups.filter(({ title, unavailableReason }) => {
    const reason = unavailableReason()
    if (reason !== undefined) missing[title] = reason
    return reason === undefined
  })
  const circumstances = readEnvironment(
    [thisProxy, ...(available.some(({ isJudged }) => !isJudged) ? [original] : [])],
    [],
  )
  const results: CaseResult[] = []
  for (const each of cases)
    for (const setup of available.filter(setup => each.appliesTo(setup))) {
      const result = await runCase(each, setup)
      results.push(result)
      onResult(result, each, setup)
    }
  return { circumstances, missing, results }
}

async function runCase(which: ReliabilityCase, setup: Setup): Promise<CaseResult> {
  let result: CaseResult | undefined
  await CleanupStack.run(async t => {
    const site = await CaseSite.create(t, setup)
    t.teardown(() => site.stop())
    const timeout = AbortSignal.timeout(CASE_TIMEOUT_MS)
    const overdue = new Promise<never>((_, reject) => {
      timeout.addEventListener('abort', () => reject(new Error(`timed out after ${CASE_TIMEOUT_MS / 1000} s`)))
    })
    try {
      const figures = computeCaseFigures(await Promise.race([which.run(site), overdue]), DRAIN_SECONDS * 1000)
      result = { case: which.name, setup: setup.name, isKept: !setup.isJudged || which.isKept(figures, setup), figures }
    } catch (error) {
      throw new Error(`Case "${which.name}" of "${setup.name}" failed. The logs of its proxies:\n${site.logs}`, {
        cause: error,
      })
    }
  })
  return result!
}
