import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { parseDoneLessons } from './parse-done-lessons.js'

/** Which lessons this user has done. It only helps the user: a file that cannot be read or written changes nothing else. */
export class DoneLessons {
  readonly #file: string

  /** @param env has `XDG_STATE_HOME`; the XDG Base Directory Specification ignores a path that is not absolute */
  constructor(env: NodeJS.ProcessEnv) {
    const folder = env['XDG_STATE_HOME'] ?? ''
    const home = isAbsolute(folder) ? folder : join(homedir(), '.local', 'state')
    this.#file = join(home, 'kube-proxy-node', 'lessons.json')
  }

  /** Their numbers; none if the file cannot be read. */
  async read(): Promise<ReadonlySet<number>> {
    const text = await readFile(this.#file, 'utf8').catch(() => '')
    return new Set(parseDoneLessons(text))
  }

  /** Remembers a lesson, if the file can be written. */
  async add(number: number): Promise<void> {
    const done = [...new Set([...(await this.read()), number])].sort((a, b) => a - b)
    // In place of the file at once: a reader never sees half of it.
    const draft = `${this.#file}.${process.pid}`
    try {
      await mkdir(dirname(this.#file), { recursive: true })
      await writeFile(draft, `${JSON.stringify({ done })}\n`)
      await rename(draft, this.#file)
    } catch {
      // Such as a home that is read-only: then nothing is remembered.
    }
  }
}
