import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SoakResults } from '../soak-results.js'
import { type SoakVerdict } from './evaluate-soak.js'
import { FULL_SOAK_MINUTES } from './series.js'
import { renderSoakPage } from './soak-page.js'
import { renderSoakPicture } from './soak-picture.js'

/**
 * Writes the page and the picture: to `docs`, from the root of the repository, after a full soak, otherwise to a
 * new folder. The samples always go to a new folder: they are large and only useful for a closer analysis.
 * @returns the paths of the written files
 */
export function writeSoakReport(results: SoakResults, verdict: SoakVerdict): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'))
  const pageFolder = results.minutes >= FULL_SOAK_MINUTES && existsSync('docs') ? 'docs' : folder
  const files = [
    [join(pageFolder, 'soak.md'), renderSoakPage(results, verdict, 'soak.svg')],
    [join(pageFolder, 'soak.svg'), renderSoakPicture(results)],
    [join(folder, 'soak.json'), `${JSON.stringify(results)}\n`],
  ] as const
  for (const [path, text] of files) writeFileSync(path, text)
  return files.map(([path]) => path)
}
