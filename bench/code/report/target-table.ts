import { type Suite } from '../suites/suite.js'
import { type Results } from './results.js'
import { type TargetOutcome, evaluateTarget } from './targets.js'

const VERDICT_TEXTS: Readonly<Record<TargetOutcome['verdict'], string>> = {
  stretch: '✓✓ stretch reached',
  met: '✓ met',
  missed: '✗ missed',
  'not measured': '– not measured',
}

/** Targets and results; the first row is the heading. */
export function buildTargetTable(results: Results, { loads, contenders, targets }: Suite): string[][] {
  const titleOf = (name: string): string => contenders.find(contender => contender.name === name)?.title ?? name
  const rows = targets.map(target => {
    const outcome = evaluateTarget(target, results, loads)
    const { better, stretchRatio, verdict } = outcome
    const sign = better === 'higher' ? '≥' : '≤'
    const { required, stretch } = target
    const sameRival = stretch?.against === required.against
    const stretchText =
      stretch === undefined ? '–' : `${sign} ${stretch.ratio}${sameRival ? '' : ` × ${titleOf(stretch.against)}`}`
    const reached = [
      formatReached(outcome),
      ...(stretch === undefined || sameRival ? [] : [`(${formatRatio(stretchRatio)})`]),
    ]
    return [
      target.title,
      reached.join(' '),
      required.ratio === 'equal' ? 'equal' : `${sign} ${required.ratio}`,
      stretchText,
      VERDICT_TEXTS[verdict],
    ]
  })
  return [['this proxy ÷ the original, medians', 'reached', 'target', 'stretch', 'verdict'], ...rows]
}

function formatReached({ ratio, bound, noise }: TargetOutcome): string {
  const sign = bound === undefined ? '' : bound === 'most' ? '< ' : '> '
  return `${sign}${formatRatio(ratio)}${ratio === undefined || noise === undefined ? '' : ` ± ${noise.toFixed(2)}`}`
}

/** Two significant digits, also for small ratios. */
function formatRatio(ratio: number | undefined): string {
  if (ratio === undefined) return '–'
  return ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2)
}
