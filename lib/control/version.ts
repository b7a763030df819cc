import { readFileSync } from 'node:fs'

/** The version in package.json, which stands beside `lib` in the source tree and beside `dist` in a build. */
export const VERSION: string = readVersion(['../../package.json', '../../../package.json'])

function readVersion(places: readonly string[]): string {
  for (const place of places) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as Record<
        string,
        string
      >
      if (name === 'kube-proxy-node' && version !== undefined) return version
    } catch {
      // Not there: the next place.
    }
  }
  return 'unknown'
}
