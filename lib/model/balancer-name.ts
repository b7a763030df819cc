/** How the endpoint for a new client is chosen; the first is the default. */
export const BALANCER_NAMES = ['round-robin', 'least-connections', 'random-two-choices'] as const

export type BalancerName = (typeof BALANCER_NAMES)[number]
