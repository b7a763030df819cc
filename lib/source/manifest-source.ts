import { type FSWatcher, watch } from 'node:fs'
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ProxyFailure, messageOf } from '../model/failure.js'
import { type Log } from '../model/log.js'
import { type ObjectKind } from '../model/objects.js'
import { OnceReporter } from '../primitives/once-reporter.js'
import { fields } from '../snapshot/decoded.js'
import { type ObjectStore } from '../snapshot/object-store.js'
import { type ManifestObject, parseManifest } from './parse-manifest.js'
import { type Source } from './source.js'

/** Milliseconds between checks of the files, for changes that no watch reports, such as on network file systems. */
const POLL_MS = 2000
/** Milliseconds to wait for an editor or a copy to finish before the files are read. */
const SETTLE_MS = 50
const SERVED_KINDS: readonly ObjectKind[] = ['Service', 'EndpointSlice', 'Endpoints', 'Node']
const MANIFEST_NAME = /\.(ya?ml|json)$/

/**
 * Objects from files, without a cluster. All files together are one state. When one of them changes, all are read again, and
 * the new state is used only if all of them are valid.
 */
export class ManifestSource implements Source {
  /** The files are at hand, and a file that cannot be read is reported. */
  readonly ageMs = 0
  readonly #paths: readonly string[]
  readonly #log: Log
  readonly #ignoredKinds = new OnceReporter()
  #lastSignature = ''
  readonly #problem = new OnceReporter()

  /** @param paths files, or folders with `.yaml`, `.yml` and `.json` files */
  constructor(paths: readonly string[], log: Log) {
    this.#paths = paths
    this.#log = log
  }

  /** @throws ProxyFailure MANIFEST_INVALID if the first reading fails; later failures are logged */
  async run(into: ObjectStore, signal: AbortSignal): Promise<void> {
    this.#lastSignature = await this.#computeSignature()
    this.#deliver(into, await this.#read())
    for await (const _ of this.#changes(signal)) await this.#reload(into)
  }

  async #reload(into: ObjectStore): Promise<void> {
    const signature = await this.#computeSignature()
    if (signature === this.#lastSignature) return
    this.#lastSignature = signature
    try {
      this.#deliver(into, await this.#read())
      this.#problem.clear()
      this.#log.info(0, 'Read the manifests again', { paths: this.#paths.join(' ') })
    } catch (error) {
      // Reads again at the next check, because the cause (such as permissions) may disappear without a change of the files.
      this.#lastSignature = ''
      this.#problem.updateOne(messageOf(error), () =>
        this.#log.error('Cannot use the changed manifests; keeping the last valid state', error),
      )
    }
  }

  #deliver(into: ObjectStore, objects: readonly ManifestObject[]): void {
    for (const kind of SERVED_KINDS)
      into.replace(
        kind,
        objects.filter(object => object.kind === kind).map(({ raw }) => raw),
      )
  }

  async #read(): Promise<ManifestObject[]> {
    const objects: ManifestObject[] = []
    const problems: string[] = []
    for (const file of await this.#listFiles()) {
      const parsed = parseManifest(await readManifest(file), file)
      for (const object of parsed.objects) objects.push(object)
      for (const { text } of parsed.problems) problems.push(text)
      for (const kind of parsed.ignoredKinds)
        this.#ignoredKinds.add(kind, () =>
          this.#log.info(0, 'Ignored objects of a kind that a proxy does not serve', { kind, file }),
        )
    }
    problems.push(...findDuplicates(objects))
    if (problems.length > 0) throw invalidManifest(problems.join('\n'), undefined)
    return objects
  }

  async #listFiles(): Promise<string[]> {
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
        throw invalidManifest(`Cannot read "${path}"`, cause)
      }
    }
    return files
  }

  /** A text that changes when a file is added, removed or written, or when a path becomes unreadable. */
  async #computeSignature(): Promise<string> {
    try {
      const files = await this.#listFiles()
      const stats = await Promise.all(files.map(async file => ({ file, ...(await stat(file)) })))
      return stats.map(({ file, mtimeMs, size, ino }) => `${file} ${mtimeMs} ${size} ${ino}`).join('\n')
    } catch (error) {
      return String(error)
    }
  }

  /** Yields when the files may have changed, until the signal is aborted. */
  async *#changes(signal: AbortSignal): AsyncGenerator<void> {
    let wake: () => void = () => undefined
    let changed = false
    const notify = (): void => {
      changed = true
      wake()
    }
    const watchers = this.#paths.map(path => watchPath(path, notify)).filter(watcher => watcher !== undefined)
    const poll = setInterval(notify, POLL_MS)
    signal.addEventListener('abort', notify, { once: true })
    try {
      while (!signal.aborted) {
        if (!changed) await new Promise<void>(resolve => (wake = resolve))
        if (signal.aborted) return
        await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
        if (signal.aborted) return
        changed = false
        yield
      }
    } finally {
      clearInterval(poll)
      for (const watcher of watchers) watcher.close()
    }
  }
}

/** A watch of the path, or undefined if the system cannot watch it; then only the poll detects changes. */
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
    throw invalidManifest(`Cannot read "${file}"`, cause)
  }
}

function findDuplicates(objects: readonly ManifestObject[]): string[] {
  const locations = new Map<string, string>()
  const problems: string[] = []
  for (const { kind, raw, location } of objects) {
    const { namespace, name } = fields(fields(raw)['metadata'])
    if (typeof name !== 'string') continue
    const key = `${kind} ${kind === 'Node' ? '' : `${typeof namespace === 'string' && namespace !== '' ? namespace : 'default'}/`}${name}`
    const first = locations.get(key)
    if (first === undefined) locations.set(key, location)
    else problems.push(`${location}: ${key} is defined twice; the first definition is at ${first}`)
  }
  return problems
}

function invalidManifest(message: string, cause: unknown): ProxyFailure {
  return new ProxyFailure('MANIFEST_INVALID', message, {
    cause,
    hint: 'Correct the manifest; the proxy reads it again automatically',
  })
}
