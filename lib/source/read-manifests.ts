import { ProxyFailure } from '../model/failure.js'
import { ManifestFiles } from './manifest-files.js'
import { type UsedObject, mergeManifests } from './merge-manifests.js'
import { parseManifests } from './parse-manifests.js'

/**
 * Reads the objects of files and folders once.
 * @throws ProxyFailure MANIFEST_INVALID if a path cannot be read, or has a mistake
 */
export async function readManifests(paths: readonly string[]): Promise<readonly UsedObject[]> {
  const { files, changed, unreadable } = await new ManifestFiles(paths).look(0)
  const parsed = await parseManifests(changed, new AbortController().signal)
  const byFile = new Map(changed.map(({ file }, index) => [file, parsed[index]]))
  const merged = mergeManifests(
    files.map(file => ({ file, parsed: byFile.get(file) })),
    [],
    new Map(),
  )
  const problems = [...unreadable.map(({ problem }) => problem), ...merged.problems]
  if (problems.length > 0)
    throw new ProxyFailure('MANIFEST_INVALID', problems.join('\n'), { hint: 'Correct the manifest' })
  return [...merged.objects.values()]
}
