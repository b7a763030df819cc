import { type Zpage } from './zpage.js'

/** The page `/flagz` of kube-proxy 1.36: the value of each flag, as the operator gave it or by default. */
export function flagz(values: Readonly<Record<string, string | readonly string[]>>): Zpage {
  const flags = Object.entries(values)
    .map(([name, value]) => [name, typeof value === 'string' ? value : `[${value.join(',')}]`] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    kind: 'Flagz',
    fields: { flags: Object.fromEntries(flags) },
    text: flags.map(([name, value]) => `${name}=${value}\n`).join(''),
  }
}
