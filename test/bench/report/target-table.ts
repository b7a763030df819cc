import { type Contender } from '../contenders/contender.js'
import { type Load } from '../loads/load.js'
import { type Results } from './results.js'
import { type Outcome, TARGETS, outcomeOf } from './targets.js'

const VERDICTS: Readonly<Record<Outcome['verdict'], string>> = {
  stretch: '✓✓ stretch reached',
  met: '✓ met',
  missed: '✗ missed',
  'not measured': '– not measured',
}

/** What was wanted and what was reached, the first row being the heading. */
export function targetTable(results: Results, loads: readonly Load[], contenders: readonly Contender[]): string[][] {
  const titleOf = (name: string): string => contenders.find(contender => contender.name === name)?.title ?? name
  const rows = TARGETS.map(target => {
    const { better, ratio, stretchRatio, verdict } = outcomeOf(target, results, loads)
    const sign = better === 'higher' ? '≥' : '≤'
    const { wanted, stretch } = target
    const sameRival = stretch?.against === wanted.against
    const stretchText =
      stretch === undefined ? '–' : `${sign} ${stretch.ratio}${sameRival ? '' : ` × ${titleOf(stretch.against)}`}`
    const reached = [ratioText(ratio), ...(stretch === undefined || sameRival ? [] : [`(${ratioText(stretchRatio)})`])]
    return [target.title, reached.join(' '), `${sign} ${wanted.ratio}`, stretchText, VERDICTS[verdict]]
  })
  return [['ours ÷ the original, medians', 'reached', 'wanted', 'stretch', 'verdict'], ...rows]
}

/** Two digits that say something, also of small ratios. */
function ratioText(ratio: number | undefined): string {
  if (ratio === undefined) return '–'
  return ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2)
}
