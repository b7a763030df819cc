// Writes docs/licences.md: the licence of each package in package-lock.json.
//
//   npm run licences
//
// A test fails if the file differs from what this program would write, or if a package that the product needs has a licence with
// conditions that this project does not meet.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PAGE_LIBRARIES, pagePackages } from './page-packages.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
export const LICENCES_FILE = 'docs/licences.md'

/** Licences that demand no more than their own text beside a copy of the code. The image and `npm` packages bring these texts. */
export const PERMISSIVE_LICENCES = [
  ...['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0'],
  ...['ISC', 'MIT', 'Python-2.0', 'Unlicense'],
]
const UNKNOWN = 'none in its package.json'

/**
 * @typedef {{ name: string, version: string, licence: string }} LockedPackage
 */

/**
 * The packages in the lock file.
 * @param {Record<string, { version: string, license?: string, dev?: boolean }>} packages `packages` of package-lock.json
 * @returns {{ product: LockedPackage[], development: LockedPackage[] }} what the product needs, and what only the development needs
 */
export function lockedPackages(packages) {
  const entries = Object.entries(packages).filter(([path]) => path !== '')
  const inPage = pagePackages(packages)
  const read = isDevelopment =>
    entries
      .filter(([path, { dev = false }]) => (dev && !inPage.has(path)) === isDevelopment)
      .map(([path, { version, license = UNKNOWN }]) => ({
        name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
        version,
        licence: license,
      }))
  return { product: read(false), development: read(true) }
}

/**
 * The text of the document.
 * @param {ReturnType<typeof lockedPackages>} packages
 */
export function licencesDocument({ product, development }) {
  return `# Licences of dependencies

\`npm run licences\` writes this page from \`package-lock.json\`; do not edit it.
[dependencies.md](dependencies.md) says what each direct dependency is for.

The image has the licence texts of the packages in it, in \`/opt/kube-proxy-node/THIRD-PARTY-LICENSES.txt\`.

## Of the product

${product.length} packages. The build puts ${PAGE_LIBRARIES.join(', ')} and what they need into the files of the page. \`npm install\` brings all others; the image
has only the files that its programs load.

${table(product)}

## Of the development

${development.length} packages. They build and test the product, and are neither in the package nor in the image.

${table(development)}
`
}

/** @param {LockedPackage[]} packages */
function table(packages) {
  const licences = [...new Set(packages.map(({ licence }) => licence))].sort(compare)
  const rows = licences.map(one => `| ${one} | ${names(packages.filter(({ licence }) => licence === one))} |`)
  return ['| licence | packages |', '|---|---|', ...rows].join('\n')
}

/** @param {LockedPackage[]} packages */
function names(packages) {
  return [...new Set(packages.map(({ name, version }) => `${name} ${version}`))].sort(compare).join(', ')
}

function compare(a, b) {
  return a < b ? -1 : Number(a > b)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  writeFileSync(join(ROOT, LICENCES_FILE), licencesDocument(lockedPackages(packages)))
}
