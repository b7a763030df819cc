import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../model/failure.js'
import { type ManifestText } from './manifest-files.js'
import { type ManifestObject, type ParsedManifest, parseManifest } from './parse-manifest.js'

/** As much text as is parsed in some 50 ms; a thread takes as long to start. */
const INLINE_LENGTH = 32 * 1024
/** The longest text that is allowed takes half of it on a slow machine. */
const PARSE_TIMEOUT_MS = 120_000
/** YAML takes some 65 bytes of memory for each byte of a document. */
const MEMORY_MB = 1024
const THREAD = new URL('parse-thread.js', import.meta.url)

/** What the parsing thread sends for a part of a file. */
export interface ParsedPortion extends ParsedManifest {
  /** Whether the file is complete. */
  readonly isLast: boolean
}

/**
 * Parses manifests without blocking this thread, which programs the rules: a megabyte of YAML takes seconds. Much text is parsed in a
 * thread of its own, with bounds on time and memory; a file that exceeds them is a mistake of that file.
 *
 * @param memoryMb megabytes of memory that the thread may use
 * @returns one result for each text, in their order; fewer when the signal is aborted
 */
export async function parseManifests(
  texts: readonly ManifestText[],
  signal: AbortSignal,
  memoryMb = MEMORY_MB,
): Promise<ParsedManifest[]> {
  const results: ParsedManifest[] = []
  if (texts.reduce((sum, { text }) => sum + text.length, 0) <= INLINE_LENGTH) {
    for (const { file, text } of texts) {
      results.push(parseManifest(text, file))
      await nextTurn()
    }
    return results
  }
  while (results.length < texts.length && !signal.aborted) {
    const failure = await parseInThread(texts.slice(results.length), { results, signal, memoryMb })
    const { file } = texts[results.length] ?? {}
    if (failure === undefined || file === undefined || signal.aborted) continue
    // The thread goes through the files in order. It starts again with those after the one on which it failed.
    const text = `${file}:1: cannot be parsed: ${failure}`
    results.push({
      objects: [],
      ignoredKinds: [],
      problems: [{ key: undefined, text }],
      isBlank: false,
      hasParserFailed: true,
    })
  }
  return results
}

/** Adds the results to `results`. @returns why the thread has ended before the last one */
async function parseInThread(
  texts: readonly ManifestText[],
  { results, signal, memoryMb }: { results: ParsedManifest[]; signal: AbortSignal; memoryMb: number },
): Promise<string | undefined> {
  let thread: Worker
  try {
    thread = new Worker(THREAD, { workerData: texts, resourceLimits: { maxOldGenerationSizeMb: memoryMb } })
  } catch (error) {
    // The kernel allows no thread more, or there is no memory for its stack.
    return `cannot start a thread: ${messageOf(error)}`
  }
  let failure: string | undefined
  let objects: ManifestObject[] = []
  const stop = (reason: string): void => {
    failure ??= reason
    void thread.terminate()
  }
  const startTimer = () => setTimeout(stop, PARSE_TIMEOUT_MS, `it takes longer than ${PARSE_TIMEOUT_MS / 1000} s`)
  let timer = startTimer()
  const onAbort = (): void => stop('stopped')
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  thread.on('error', error => stop(messageOf(error)))
  thread.on('message', ({ isLast, ...portion }: ParsedPortion) => {
    clearTimeout(timer)
    timer = startTimer()
    for (const object of portion.objects) objects.push(object)
    if (isLast) {
      results.push({ ...portion, objects })
      objects = []
    }
    // Not at once: so that this thread does other work between two portions.
    setImmediate(() => thread.postMessage('next'))
  })
  // Not `once` of node:events, which rejects at an error.
  await new Promise(resolve => thread.once('exit', resolve))
  clearTimeout(timer)
  signal.removeEventListener('abort', onAbort)
  return failure
}
