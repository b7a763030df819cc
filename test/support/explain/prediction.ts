import { type Explanation, type WayEnd } from '../../../lib/explain/explanation.js'

/** A packet to predict, in the words of the command. */
export interface PredictionRequest {
  readonly from: string
  readonly to: string
}

/** What `kube-proxy explain` says of a packet, as far as a test can see it. */
export interface Prediction {
  readonly mode: string
  readonly ends: readonly WayEnd[]
  readonly reached: readonly { readonly endpoint: string; readonly sourceSeen: string; readonly odds: number }[]
  readonly assumptions: readonly string[]
  readonly notes: readonly string[]
}

/** By the rules in the kernel, and by planned ones. */
export interface Predictions {
  readonly kernel: Prediction
  readonly plan: Prediction
}

/** What an explanation predicts. */
export function predictionOf({ mode, ways, notes }: Explanation): Prediction {
  return {
    mode,
    ends: [...new Set(ways.map(({ end }) => end))],
    reached: ways.flatMap(({ endpoint, sourceSeen, odds }) =>
      endpoint === null ? [] : [{ endpoint, sourceSeen: sourceSeen ?? 'unknown', odds }],
    ),
    assumptions: ways.flatMap(({ assumptions }) => assumptions),
    notes,
  }
}

/** The answers that the prediction allows: `name source` of each endpoint, or errors of the client. */
export function allowedAnswers(prediction: Prediction, nameOf: (endpoint: string) => string): Set<string> {
  const allowed = new Set(prediction.reached.map(({ endpoint, sourceSeen }) => `${nameOf(endpoint)} ${sourceSeen}`))
  for (const end of prediction.ends) for (const answer of ANSWERS[end]) allowed.add(answer)
  return allowed
}

/** An address that no host has: nothing answers, or the kernel reports it. */
const NO_HOST = ['no answer', 'EHOSTUNREACH', 'ENETUNREACH']

const ANSWERS: Readonly<Record<WayEnd, readonly string[]>> = {
  endpoint: [],
  'proxy-port': [],
  dropped: ['no answer'],
  refused: ['ECONNREFUSED'],
  reset: ['ECONNRESET'],
  node: ['ECONNREFUSED'],
  elsewhere: NO_HOST,
  unknown: [],
}
