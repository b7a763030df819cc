import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode } from '../model/failure.js'
import { whenAborted } from '../primitives/aborted.js'

/** Milliseconds between looks at the file, for changes that no watch reports, such as behind a link to another folder. */
const POLL_MS = 2000
/** A file that stays as it is for so many milliseconds has been written completely. */
const SETTLE_MS = 50
const MAX_SETTLE_ROUNDS = 20

/**
 * Watches the file at a path from the time that the promise resolves. What it resolves with yields each time that the path leads to
 * another file or other content: the file was edited, replaced or removed, or a link on the way to it leads elsewhere, as in a
 * mounted ConfigMap. It ends when the signal is aborted.
 */
export async function watchFile(path: string, signal: AbortSignal): Promise<AsyncGenerator<void>> {
  const sign = new Sign(signal)
  // Links and files are replaced in the folder, so a watch of the file would lose its file.
  const watcher = watchFolder(dirname(path), () => sign.give())
  const poll = setInterval(() => sign.give(), POLL_MS)
  whenAborted(signal, () => {
    clearInterval(poll)
    watcher?.close()
  })
  return changesOf(path, await identify(path), sign, signal)
}

async function* changesOf(path: string, first: string, sign: Sign, signal: AbortSignal): AsyncGenerator<void> {
  for (let seen = first; ;) {
    await sign.wait()
    if (signal.aborted) return
    const now = await settle(path)
    if (now === seen) continue
    seen = now
    if (signal.aborted) return
    yield
  }
}

/** Waits until the file has been written completely. A file that is written all the time is not waited for. */
async function settle(path: string): Promise<string> {
  let now = await identify(path)
  for (let round = 0; round < MAX_SETTLE_ROUNDS; round++) {
    await sleep(SETTLE_MS)
    const later = await identify(path)
    if (later === now) break
    now = later
  }
  return now
}

/** Lets a loop wait until something has happened since it waited last. */
class Sign {
  #isGiven = false
  #wake: () => void = () => undefined

  constructor(signal: AbortSignal) {
    whenAborted(signal, () => this.give())
  }

  give(): void {
    this.#isGiven = true
    this.#wake()
  }

  async wait(): Promise<void> {
    if (!this.#isGiven) await new Promise<void>(resolve => (this.#wake = resolve))
    this.#isGiven = false
  }
}

/** What distinguishes this content of this file from others, or why it cannot be read. */
async function identify(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return systemCode(error) ?? 'unknown'
  }
}

/** A watch of the folder, or undefined if the system cannot watch it; then only the poll detects changes. */
function watchFolder(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(folder, onChange).on('error', () => undefined)
  } catch {
    return undefined
  }
}
