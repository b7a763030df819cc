import { ProxyFailure } from '../model/failure.js'
import { type RawFields, fields } from '../snapshot/decoded.js'
import { ManifestFiles } from './manifest-files.js'
import { readDocuments } from './read-documents.js'

/** Lists in Lists are allowed, and more levels are surely a mistake. */
const MAX_LIST_DEPTH = 10

/**
 * Reads objects of files and folders once, as they are, also of kinds that a proxy does not serve.
 * @throws ProxyFailure MANIFEST_INVALID if a path cannot be read, or is not YAML or JSON
 */
export async function readRawManifests(paths: readonly string[], kinds: readonly string[]): Promise<RawFields[]> {
  const { changed, unreadable } = await new ManifestFiles(paths).look(0)
  const problems = unreadable.map(({ problem }) => problem)
  const objects: RawFields[] = []
  for (const { file, text } of changed)
    for (const document of readDocuments(text)) {
      problems.push(...document.problems.map(problem => `${file}:${problem.line}: ${problem.text}`))
      objects.push(...flatten(fields(document.value), 0))
    }
  if (problems.length > 0)
    throw new ProxyFailure('MANIFEST_INVALID', problems.join('\n'), { hint: 'Correct the manifest' })
  return objects.filter(({ kind }) => typeof kind === 'string' && kinds.includes(kind))
}

/** The items of a list, also of a `PodList`, whose items have no kind. */
function flatten(object: RawFields, depth: number): RawFields[] {
  const { kind, items } = object
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [object]
  if (depth === MAX_LIST_DEPTH) return []
  const itemKind = kind.slice(0, -'List'.length)
  return items.flatMap(item => flatten(itemKind === '' ? fields(item) : { kind: itemKind, ...fields(item) }, depth + 1))
}
