import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ProxyFailure, messageOf } from '../model/failure.js'

/** Memory, in every container, also with a read-only root; and the place for files of running programs on every node. */
const FURTHER_PLACES = ['/dev/shm', '/run']

/**
 * Creates a folder that only this user may read, in `TMPDIR` (`/tmp`), or where that cannot be written, in memory.
 *
 * @param places where to try, in order
 * @throws ProxyFailure TEMPORARY_FOLDER_FAILED if no place can be written
 */
export function makeTemporaryFolder(prefix: string, places: readonly string[] = [tmpdir(), ...FURTHER_PLACES]): string {
  const reasons: string[] = []
  for (const place of places) {
    try {
      return mkdtempSync(join(place, prefix))
    } catch (error) {
      reasons.push(messageOf(error))
    }
  }
  throw new ProxyFailure('TEMPORARY_FOLDER_FAILED', `Cannot create a temporary folder: ${reasons.join('; ')}`, {
    hint: 'Set TMPDIR to a folder that this process may write, such as an emptyDir',
  })
}
