import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { ProxyFailure } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ObjectKind } from '../model/objects.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { fields } from '../snapshot/decoded.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { manifestChanges } from './manifest-changes.js'
import { type FilesLook, ManifestFiles, type ManifestText } from './manifest-files.js'
import { type MergedManifests, type UsedObject, mergeManifests } from './merge-manifests.js'
import { type ManifestObject, type ParsedManifest } from './parse-manifest.js'
import { parseManifests } from './parse-manifests.js'
import { ParseRetries } from './parse-retries.js'
import { type Source } from './source.js'

/** Milliseconds to wait for an editor or a copy to finish before the files are read. */
const SETTLE_MS = 50
const MAX_SETTLE_ROUNDS = 20
/** Objects that the store decodes at a time: some milliseconds. */
const OBJECTS_OF_A_PORTION = 50
const SERVED_KINDS: readonly ObjectKind[] = ['Service', 'EndpointSlice', 'Endpoints', 'Node']

/** Settings of a `ManifestSource`. */
export interface ManifestSourceOptions {
  /** Files, or folders with `.yaml`, `.yml` and `.json` files. */
  readonly paths: readonly string[]
  /** Whether a mistake in the files at the start is a failure. */
  readonly strict?: boolean
  readonly log: Log
  /** Tests let the parser fail. */
  readonly parse?: typeof parseManifests
}

/** A look at the files, and the state that they describe now. */
interface Look extends FilesLook {
  readonly merged: MergedManifests
  readonly hasChanged: boolean
}

/**
 * Objects from files, without a cluster. All files together are one state. Each object counts by itself: one with a mistake keeps
 * its last valid state, and is reported.
 */
export class ManifestSource implements Source {
  /** The files are at hand, and a file that cannot be read is reported. */
  readonly ageMs = 0
  readonly #options: ManifestSourceOptions
  readonly #files: ManifestFiles
  #parsed: ReadonlyMap<string, ParsedManifest> = new Map()
  #merged: MergedManifests = { objects: new Map(), problems: [] }
  /** The files and the unreadable paths of the last look. */
  #seen = ''
  /** Counts the readings of files. */
  #version = 0
  readonly #ignoredKinds = new OnceReporter()
  readonly #problems = new OnceReporter()
  readonly #retries = new ParseRetries(Math.random)

  constructor(options: ManifestSourceOptions) {
    this.#options = options
    this.#files = new ManifestFiles(options.paths)
  }

  /**
   * @throws ProxyFailure MANIFEST_INVALID if a given path cannot be read at the start; with `strict` also for each mistake at the
   *   start
   */
  async run(into: ObjectStore, signal: AbortSignal): Promise<void> {
    const { paths, log } = this.#options
    const first = await untilAborted(this.#look(signal), signal)
    if (first === undefined) return
    this.#checkFirst(first)
    await this.#deliverFirst(into, first.merged)
    for await (const _ of manifestChanges(paths, SETTLE_MS, signal)) {
      // A file system that hangs must not delay the end.
      const next = await untilAborted(this.#look(signal), signal)
      if (next === undefined || signal.aborted) return
      this.#report(next.merged)
      if (!next.hasChanged) continue
      this.#deliver(into, next.merged)
      log.info(0, 'Read the manifests again', { paths: paths.join(' '), objects: next.merged.objects.size })
    }
  }

  /** Looks at the files, and reads what has changed since the last look. */
  async #look(signal: AbortSignal): Promise<Look> {
    for (const file of this.#retries.takeDue(performance.now())) this.#files.forget(file)
    const look = await this.#readFiles(signal)
    const seen = JSON.stringify([look.files, look.unreadable])
    // The usual case: the files are as they were.
    if (look.changed.length === 0 && seen === this.#seen) return { ...look, merged: this.#merged, hasChanged: false }
    this.#seen = seen
    this.#retries.keepOnly(look.files)
    const changed = await this.#parse(look.changed, signal)
    const unreadable = new Map(look.unreadable.map(({ path, problem }) => [path, problem]))
    const files = look.files.map(file => ({
      file,
      parsed: unreadable.has(file) ? undefined : (changed.get(file) ?? this.#parsed.get(file)),
    }))
    const { objects, problems } = mergeManifests(files, [...unreadable.keys()], this.#merged.objects)
    const hasChanged = !haveSameObjects(objects, this.#merged.objects)
    this.#parsed = new Map(files.flatMap(({ file, parsed }) => (parsed === undefined ? [] : [[file, parsed]])))
    this.#merged = { objects, problems: [...unreadable.values(), ...problems] }
    return { ...look, merged: this.#merged, hasChanged }
  }

  /** Waits for files that are being written, but not forever. */
  async #readFiles(signal: AbortSignal): Promise<FilesLook> {
    let look = await this.#files.look(SETTLE_MS)
    const changed = [...look.changed]
    for (let round = 1; look.isSettling && !signal.aborted; round++) {
      await sleep(SETTLE_MS)
      look = await this.#files.look(round < MAX_SETTLE_ROUNDS ? SETTLE_MS : 0)
      changed.push(...look.changed)
    }
    return { ...look, changed }
  }

  async #parse(texts: readonly ManifestText[], signal: AbortSignal): Promise<Map<string, ParsedManifest>> {
    const { parse = parseManifests, log } = this.#options
    const results = await parse(texts, signal)
    const parsed = new Map<string, ParsedManifest>()
    for (const [index, result] of results.entries()) {
      const { file } = texts[index]!
      for (const kind of result.ignoredKinds)
        this.#ignoredKinds.add(kind, () =>
          log.info(0, 'Ignored objects of a kind that a proxy does not serve', { kind, file }),
        )
      this.#retries.note(file, result.hasParserFailed === true, performance.now())
      const version = String(++this.#version)
      parsed.set(file, { ...result, objects: result.objects.map(object => withVersion(object, version)) })
    }
    return parsed
  }

  #checkFirst({ unreadable, merged: { problems } }: Look): void {
    // Without a path that the operator named, the state is not known: to serve nothing instead would remove all rules.
    const fatal =
      this.#options.strict === true
        ? problems
        : unreadable.filter(({ isNamed }) => isNamed).map(({ problem }) => problem)
    if (fatal.length > 0) throw invalidManifest(fatal.join('\n'))
  }

  #report({ problems }: MergedManifests): void {
    this.#problems.update(
      problems,
      problem => problem,
      problem =>
        this.#options.log.error(
          'Mistake in the manifests; its object keeps its last valid state, if it has one',
          invalidManifest(problem),
        ),
    )
  }

  /** In portions, because the store decodes each object; its subscribers wait until the lists of all kinds are complete. */
  async #deliverFirst(into: ObjectStore, merged: MergedManifests): Promise<void> {
    this.#report(merged)
    let count = 0
    for (const { kind, raw } of merged.objects.values()) {
      into.upsert(kind, raw)
      if (++count % OBJECTS_OF_A_PORTION === 0) await nextTurn()
    }
    this.#deliver(into, merged)
  }

  #deliver(into: ObjectStore, { objects }: MergedManifests): void {
    const all = [...objects.values()]
    for (const kind of SERVED_KINDS)
      into.replace(
        kind,
        all.filter(object => object.kind === kind).map(({ raw }) => raw),
      )
  }
}

/**
 * The object with the version of this reading. The store decodes an object again only when its version differs. The version in the
 * file does not count: `kubectl get` prints it, and who edits the file leaves it as it is.
 */
function withVersion(object: ManifestObject, resourceVersion: string): ManifestObject {
  const metadata = { ...fields(fields(object.raw)['metadata']), resourceVersion }
  return { ...object, raw: { ...fields(object.raw), metadata } }
}

function haveSameObjects(a: ReadonlyMap<string, UsedObject>, b: ReadonlyMap<string, UsedObject>): boolean {
  return a.size === b.size && [...a].every(([key, { raw }]) => b.get(key)?.raw === raw)
}

/** The result; undefined if the signal is aborted first. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let onAbort: () => void = () => undefined
  const aborted = new Promise<undefined>(resolve => {
    onAbort = () => resolve(undefined)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Nothing waits for the result of work that is abandoned.
    work.catch(() => undefined)
  }
}

function invalidManifest(message: string): ProxyFailure {
  return new ProxyFailure('MANIFEST_INVALID', message, {
    hint: 'Correct the manifest; a running proxy reads it again automatically',
  })
}
