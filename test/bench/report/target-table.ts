import { type Suite } from '../suites/suite.js'
import { type Results } from './results.js'
import { type Outcome, outcomeOf } from './targets.js'

const VERDICTS: Readonly<Record<Outcome['verdict'], string>> = {
  stretch: '✓✓ stretch reached',
  met: '✓ met',
  missed: '✗ missed',
  'not measured': '– not measured',
}

/** What was wanted and what was reached, the first row being the heading. */
export function targetTable(results: Results, { loads, contenders, targets }: Suite): string[][] {
  const titleOf = (name: string): string => contenders.find(contender => contender.name === name)?.title ?? name
  const rows = targets.map(target => {
    const outcome = outcomeOf(target, results, loads)
    const { better, stretchRatio, verdict } = outcome
    const sign = better === 'higher' ? '≥' : '≤'
    const { wanted, stretch } = target
    const sameRival = stretch?.against === wanted.against
    const stretchText =
      stretch === undefined ? '–' : `${sign} ${stretch.ratio}${sameRival ? '' : ` × ${titleOf(stretch.against)}`}`
    const reached = [
      reachedText(outcome),
      ...(stretch === undefined || sameRival ? [] : [`(${ratioText(stretchRatio)})`]),
    ]
    return [
      target.title,
      reached.join(' '),
      wanted.ratio === 'equal' ? 'equal' : `${sign} ${wanted.ratio}`,
      stretchText,
      VERDICTS[verdict],
    ]
  })
  return [['ours ÷ the original, medians', 'reached', 'wanted', 'stretch', 'verdict'], ...rows]
}

function reachedText({ ratio, bound, noise }: Outcome): string {
  const sign = bound === undefined ? '' : bound === 'most' ? '< ' : '> '
  return `${sign}${ratioText(ratio)}${ratio === undefined || noise === undefined ? '' : ` ± ${noise.toFixed(2)}`}`
}

/** Two digits that say something, also of small ratios. */
function ratioText(ratio: number | undefined): string {
  if (ratio === undefined) return '–'
  return ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2)
}
