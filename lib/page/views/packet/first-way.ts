import { type ExplainedWay, type Explanation } from '../../../explain/explanation.js'

/** The way to the endpoint that has its turn, if that is known. */
export function firstWay({ ways, service }: Explanation): ExplainedWay | undefined {
  const next = service?.candidates.find(({ live }) => live !== null && live.nextIn.length > 0)
  return ways.find(({ endpoint }) => endpoint !== null && endpoint === next?.address) ?? ways[0]
}
