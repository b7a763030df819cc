import { type ManifestObject, type ParsedManifest } from './parse-manifest.js'

/** More mistakes of one file than this say nothing new. */
const MAX_PROBLEMS_OF_A_FILE = 20

/** An object in use, and the file that it came from. */
export interface UsedObject extends ManifestObject {
  readonly file: string
}

/** One file. */
export interface ManifestFile {
  readonly file: string
  /** Undefined: it could not be read. */
  readonly parsed: ParsedManifest | undefined
}

/** The state that all files together describe. */
export interface MergedManifests {
  /** By key. */
  readonly objects: ReadonlyMap<string, UsedObject>
  /** A sentence for each mistake. */
  readonly problems: readonly string[]
}

/**
 * Puts the objects of all files together. Each object counts by itself: an object with a mistake keeps its last valid state.
 *
 * - Where it is not known which object has the mistake (text that is not YAML, an object without a name, a file that cannot be
 *   read), every object that came from this file and is missing now keeps its last state.
 * - A file that becomes empty keeps its objects: a shell empties the file of a redirection before the program writes to it.
 * - Of two definitions of one object, the one in use stays; at the start it is the first one.
 *
 * @param lostFolders folders that cannot be listed: objects from their files keep their last state
 */
export function mergeManifests(
  files: readonly ManifestFile[],
  lostFolders: readonly string[],
  last: ReadonlyMap<string, UsedObject>,
): MergedManifests {
  const objects = new Map<string, UsedObject>()
  const problems: string[] = []
  for (const { file, parsed } of files)
    for (const object of parsed?.objects ?? []) addObject(objects, { ...object, file }, last.get(object.key), problems)
  const broken = new Set<string>()
  const doubtful = new Set<string>()
  for (const { file, parsed } of files) {
    if (parsed === undefined) doubtful.add(file)
    else if (parsed.isBlank && [...last.values()].some(object => object.file === file)) {
      doubtful.add(file)
      problems.push(`${file}:1: the file is empty; to remove its objects, remove the file`)
    }
    for (const { key } of parsed?.problems ?? []) {
      if (key === undefined) doubtful.add(file)
      else broken.add(key)
    }
    problems.push(...limit(file, parsed?.problems.map(({ text }) => text) ?? []))
  }
  const isLost = (file: string): boolean => lostFolders.some(folder => file === folder || file.startsWith(`${folder}/`))
  for (const [key, object] of last) {
    if (objects.has(key)) continue
    if (broken.has(key) || doubtful.has(object.file) || isLost(object.file)) objects.set(key, object)
  }
  return { objects, problems }
}

function addObject(
  objects: Map<string, UsedObject>,
  object: UsedObject,
  used: UsedObject | undefined,
  problems: string[],
): void {
  const first = objects.get(object.key)
  if (first === undefined) return void objects.set(object.key, object)
  const replaces = used?.file === object.file && first.file !== object.file
  if (replaces) objects.set(object.key, object)
  const [ignored, other] = replaces ? [first, object] : [object, first]
  problems.push(`${ignored.location}: ${object.key} is defined twice; the definition at ${other.location} is used`)
}

function limit(file: string, problems: readonly string[]): readonly string[] {
  if (problems.length <= MAX_PROBLEMS_OF_A_FILE) return problems
  const more = problems.length - MAX_PROBLEMS_OF_A_FILE
  return [...problems.slice(0, MAX_PROBLEMS_OF_A_FILE), `${file}: ${more} more mistakes`]
}
