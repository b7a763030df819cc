/** How many flows with several answers give way as late as one without. */
const ASSURED_WEIGHT = 64

/**
 * Which UDP flow of a Service ends to make room: one that was answered several times, or one of the others. The others end first,
 * as in the kernel's conntrack (ASSURED), unless one client has very many of the former.
 * @param fresh flows of the client that has the most flows without several answers; 0: there are none
 * @param assured flows of the client that has the most flows with several answers
 */
export function flowKindToEnd(fresh: number, assured: number): 'fresh' | 'assured' | undefined {
  if (fresh === 0 && assured === 0) return undefined
  return assured > ASSURED_WEIGHT * fresh ? 'assured' : 'fresh'
}
