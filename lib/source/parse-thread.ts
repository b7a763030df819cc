/**
 * Entry of the thread that parses manifests. It sends the result of each file, large ones in portions, and waits after each portion
 * until the main thread has taken it: to take thousands of objects at once would block that thread.
 */
import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { type ManifestText } from './manifest-files.js'
import { parseManifest } from './parse-manifest.js'
import { type ParsedPortion } from './parse-manifests.js'

const OBJECTS_OF_A_PORTION = 100

for (const { file, text } of workerData as readonly ManifestText[]) {
  const { objects, problems, ignoredKinds, isBlank } = parseManifest(text, file)
  for (let start = 0; start === 0 || start < objects.length; start += OBJECTS_OF_A_PORTION) {
    const end = start + OBJECTS_OF_A_PORTION
    const isLast = end >= objects.length
    const portion: ParsedPortion = {
      isLast,
      isBlank,
      objects: objects.slice(start, end),
      problems: isLast ? problems : [],
      ignoredKinds: isLast ? ignoredKinds : [],
    }
    parentPort!.postMessage(portion)
    await once(parentPort!, 'message')
  }
}
parentPort!.close()
