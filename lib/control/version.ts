import { readFileSync } from 'node:fs'

/** The version in package.json, which is beside `lib` in the source tree and beside `dist` in a build. */
export const VERSION: string = readVersion(['../../package.json', '../../../package.json'])

function readVersion(paths: readonly string[]): string {
  for (const path of paths) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Record<
        string,
        string
      >
      if (name === 'kube-proxy-node' && version !== undefined) return version
    } catch {
      // The file is in the other place.
    }
  }
  return 'unknown'
}
