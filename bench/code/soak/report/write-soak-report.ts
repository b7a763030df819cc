import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SoakResults } from '../soak-results.js'
import { type SoakVerdict } from './evaluate-soak.js'
import { FULL_SOAK_MINUTES } from './series.js'
import { renderSoakPage } from './soak-page.js'
import { renderSoakPicture } from './soak-picture.js'

/**
 * Writes the page and the picture: into `docs`, from the root of the repository, when the soak had its whole time, and into a
 * new folder otherwise. The samples are always in a new folder: they are much, and only of use to look closer.
 * @returns the paths of what was written
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
