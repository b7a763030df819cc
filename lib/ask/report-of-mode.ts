import { type Ran } from './lab.js'

/** What `kube-proxy check` has printed from its line about a mode on: whether the node supports it, and what is missing. */
export function reportOfMode(check: Ran, mode: string): Ran {
  const { output } = check
  const from = output.search(new RegExp(`^.*mode ${mode} (works|does not)`, 'm'))
  return { ...check, output: output.slice(Math.max(0, from)) }
}
