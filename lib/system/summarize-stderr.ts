import { escapeControls, shorten } from '../primitives/quote-value.js'

/** How much of a program's error output is repeated. */
const MAX_LINES = 3

/** The first lines of a program's error output, as one line: not more of it than a reader can use, and without control characters. */
export function summarizeStderr(stderr: string): string {
  return escapeControls(shorten(stderr.trim().split('\n').slice(0, MAX_LINES).join('; ')))
}
