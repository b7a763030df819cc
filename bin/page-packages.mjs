// Which packages are in the page: the build bundles them, so that `npm install` need not bring them. Pure.

/** What the sources of the page import. A test compares it with them. */
export const PAGE_LIBRARIES = ['@preact/signals', 'preact', 'wouter-preact']

/**
 * The paths of these packages, and of what they depend on, in a lock file. What they need only for servers is left out of the bundle.
 * @param {Record<string, { dependencies?: Record<string, string> }>} packages `packages` of package-lock.json
 * @returns {Set<string>}
 */
export function pagePackages(packages) {
  const paths = new Set()
  const add = name => {
    const path = `node_modules/${name}`
    if (paths.has(path)) return
    paths.add(path)
    for (const needed of Object.keys(packages[path]?.dependencies ?? {})) add(needed)
  }
  for (const name of PAGE_LIBRARIES) add(name)
  return paths
}
