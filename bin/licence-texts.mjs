// The licence texts that must go with bundled code. Plain JavaScript without dependencies: the build imports it.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Between two texts. */
export const LICENCE_LINE = `\n${'-'.repeat(100)}\n`

/**
 * The licence of each package that a file in the bundles is from. Most licences demand that their text goes with the code.
 * @param {string} root folder that paths begin in
 * @param {readonly string[]} inputs paths of the files
 */
export function licenceTexts(root, inputs) {
  const packages = new Set(inputs.flatMap(input => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []))
  return [...packages]
    .sort()
    .map(folder => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
      const file = readdirSync(join(root, folder)).find(entry => /^licen[cs]e/i.test(entry))
      const text = file === undefined ? '(The package has no file with its licence.)' : read(join(root, folder, file))
      return `${name} ${version}: ${license ?? 'no licence in package.json'}\n\n${text}`
    })
    .join(LICENCE_LINE)
}

function read(file) {
  return `${readFileSync(file, 'utf8').trim()}\n`
}
