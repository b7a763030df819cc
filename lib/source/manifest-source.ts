import { type FSWatcher, watch } from 'node:fs'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ObjectKind } from '../model/objects.js'
import { fields } from '../snapshot/decoded.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { type ManifestObject, parseManifest } from './parse-manifest.js'
import { type Source } from './source.js'

/** Milliseconds between looks at the files, for those changes that no watch tells of (network file systems, say). */
const POLL_MS = 2000
/** Milliseconds to let an editor or a copy finish before the files are read. */
const SETTLE_MS = 50
const KINDS: readonly ObjectKind[] = ['Service', 'EndpointSlice', 'Endpoints', 'Node']
const MANIFEST_NAME = /\.(ya?ml|json)$/

/**
 * Objects from files: no cluster is needed. All files together are one state: they are read again as a whole when any of
 * them changes, and taken only if all of them are right.
 */
export class ManifestSource implements Source {
  readonly #paths: readonly string[]
  readonly #log: Log
  readonly #ignoredKinds = new Set<string>()
  #seen = ''
  /** What was told last to be wrong. */
  #problem = ''

  /** @param paths files, or folders whose `.yaml`, `.yml` and `.json` files are read */
  constructor(paths: readonly string[], log: Log) {
    this.#paths = paths
    this.#log = log
  }

  /** @throws ProxyFailure MANIFEST_INVALID when the first reading fails; a later one that fails is logged. */
  async run(into: ObjectStore, signal: AbortSignal): Promise<void> {
    this.#seen = await this.#signature()
    this.#deliver(into, await this.#read())
    for await (const _ of this.#ticks(signal)) await this.#readAgain(into)
  }

  async #readAgain(into: ObjectStore): Promise<void> {
    const signature = await this.#signature()
    if (signature === this.#seen) return
    this.#seen = signature
    try {
      this.#deliver(into, await this.#read())
      this.#problem = ''
      this.#log.info(0, 'Manifests read again', { paths: this.#paths.join(' ') })
    } catch (error) {
      // Read again at the next look: what was in the way, permissions say, may go without any change of the files.
      this.#seen = ''
      if (messageOf(error) === this.#problem) return
      this.#problem = messageOf(error)
      this.#log.error('Manifests changed and cannot be used: the last good state goes on', error)
    }
  }

  #deliver(into: ObjectStore, objects: readonly ManifestObject[]): void {
    for (const kind of KINDS)
      into.replace(
        kind,
        objects.filter(object => object.kind === kind).map(({ raw }) => raw),
      )
  }

  async #read(): Promise<ManifestObject[]> {
    const objects: ManifestObject[] = []
    const problems: string[] = []
    for (const file of await this.#files()) {
      const parsed = parseManifest(await readManifest(file), file)
      objects.push(...parsed.objects)
      problems.push(...parsed.problems)
      for (const kind of parsed.ignoredKinds) {
        if (!this.#ignoredKinds.has(kind))
          this.#log.info(0, 'Ignored objects of a kind that a proxy does not serve', { kind, file })
        this.#ignoredKinds.add(kind)
      }
    }
    problems.push(...duplicates(objects))
    if (problems.length > 0) throw invalid(problems.join('\n'), undefined)
    return objects
  }

  async #files(): Promise<string[]> {
    const files: string[] = []
    for (const path of this.#paths) {
      try {
        if ((await stat(path)).isDirectory()) {
          const names = (await readdir(path)).filter(name => MANIFEST_NAME.test(name) && !name.startsWith('.'))
          files.push(...names.sort().map(name => join(path, name)))
        } else {
          files.push(path)
        }
      } catch (cause) {
        throw invalid(`Cannot read "${path}"`, cause)
      }
    }
    return files
  }

  /** Changes whenever a file comes, goes or is written; unreadable paths are part of it. */
  async #signature(): Promise<string> {
    try {
      const files = await this.#files()
      const stats = await Promise.all(files.map(async file => ({ file, ...(await stat(file)) })))
      return stats.map(({ file, mtimeMs, size, ino }) => `${file} ${mtimeMs} ${size} ${ino}`).join('\n')
    } catch (error) {
      return String(error)
    }
  }

  /** Yields when the files may have changed, until the signal is aborted. */
  async *#ticks(signal: AbortSignal): AsyncGenerator<void> {
    let wake: () => void = () => undefined
    let told = false
    const tell = (): void => {
      told = true
      wake()
    }
    const watchers = this.#paths.map(path => watchPath(path, tell)).filter(watcher => watcher !== undefined)
    const poll = setInterval(tell, POLL_MS)
    signal.addEventListener('abort', tell, { once: true })
    try {
      while (!signal.aborted) {
        if (!told) await new Promise<void>(resolve => (wake = resolve))
        if (signal.aborted) return
        await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
        if (signal.aborted) return
        told = false
        yield
      }
    } finally {
      clearInterval(poll)
      for (const watcher of watchers) watcher.close()
    }
  }
}

/** A watch, or undefined where there can be none: then the poll has to do. */
function watchPath(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, onChange).on('error', () => undefined)
  } catch {
    return undefined
  }
}

async function readManifest(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw invalid(`Cannot read "${file}"`, cause)
  }
}

function duplicates(objects: readonly ManifestObject[]): string[] {
  const places = new Map<string, string>()
  const problems: string[] = []
  for (const { kind, raw, place } of objects) {
    const { namespace, name } = fields(fields(raw).metadata)
    if (typeof name !== 'string') continue
    const key = `${kind} ${kind === 'Node' ? '' : `${typeof namespace === 'string' && namespace !== '' ? namespace : 'default'}/`}${name}`
    const first = places.get(key)
    if (first === undefined) places.set(key, place)
    else problems.push(`${place}: ${key} is there twice: the first one is at ${first}`)
  }
  return problems
}

function invalid(message: string, cause: unknown): ProxyFailure {
  return new ProxyFailure('MANIFEST_INVALID', message, {
    cause,
    hint: 'Correct the manifest; it is read again by itself',
  })
}
