/** About five round numbers from 0 to the first one that is not below `highest`. */
export function computeTicks(highest: number): number[] {
  const rough = Math.max(highest, 1e-9) / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(factor => factor * power).find(each => each >= rough)!
  const count = Math.ceil(highest / step - 1e-9)
  // Multiplication, because repeated addition would give 0.30000000000000004 for 0.3.
  return Array.from({ length: Math.max(1, count) + 1 }, (_, n) => Number((n * step).toPrecision(12)))
}
