import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SoakResults } from '../soak-results.js'
import { type SoakVerdict } from './judge-soak.js'
import { WHOLE_MINUTES } from './series.js'
import { soakPage } from './soak-page.js'
import { soakPicture } from './soak-picture.js'

/**
 * Writes the page and the picture: into `docs`, from the root of the repository, when the soak had its whole time, and into a
 * new folder otherwise. The samples are always in a new folder: they are much, and only of use to look closer.
 * @returns the paths of what was written
 */
export function writeSoakReport(results: SoakResults, verdict: SoakVerdict): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'))
  const pageFolder = results.minutes >= WHOLE_MINUTES && existsSync('docs') ? 'docs' : folder
  const files = [
    [join(pageFolder, 'soak.md'), soakPage(results, verdict, 'soak.svg')],
    [join(pageFolder, 'soak.svg'), soakPicture(results)],
    [join(folder, 'soak.json'), `${JSON.stringify(results)}\n`],
  ] as const
  for (const [path, text] of files) writeFileSync(path, text)
  return files.map(([path]) => path)
}
