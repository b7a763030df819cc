import { type Stats, chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, unlinkSync } from 'node:fs'
import { once } from 'node:events'
import { type Server as HttpServer } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { systemCode } from '../model/failure.js'
import { socketPathProblem } from '../model/socket-path-problem.js'

/** Only the user of the proxy may ask. */
const MODE = 0o600
const FOLDER_MODE = 0o700

/**
 * Lets a server listen on a Unix socket. A socket that no process listens on any more was left by one that was killed: it is replaced.
 * The socket gets its name when it has its mode: it is made in a folder of its own, and linked. So Node.js, which removes at the end what has
 * the name that it has got, never removes the socket of a later process.
 */
export class StatusSocket {
  readonly #server: HttpServer
  readonly #path: string
  #attempt: Promise<Error | undefined> = Promise.resolve(undefined)
  /** The file of the socket while the server listens. */
  #file: Stats | undefined

  constructor(server: HttpServer, path: string) {
    this.#server = server
    this.#path = path
  }

  /**
   * Tries once; call it again after a failure. Resolves with the error, such as that the folder cannot be written or another process
   * listens there; never rejects. After a failure, the server does not listen.
   */
  open(): Promise<Error | undefined> {
    this.#attempt = this.#listen().then(
      () => undefined,
      async (error: unknown) => {
        await this.#end()
        return error instanceof Error ? error : new Error(String(error))
      },
    )
    return this.#attempt
  }

  /** Removes the socket if it is still that of this server, and disconnects all clients. */
  async close(): Promise<void> {
    await this.#attempt
    if (this.#file !== undefined && isSame(this.#file, this.#path)) unlinkSync(this.#path)
    await this.#end()
  }

  async #listen(): Promise<void> {
    const problem = socketPathProblem(this.#path)
    if (problem !== undefined) throw new Error(problem)
    const folder = dirname(this.#path)
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
    const own = mkdtempSync(`${folder}/.s`)
    try {
      const listening = once(this.#server, 'listening')
      this.#server.listen(`${own}/s`)
      await listening
      chmodSync(`${own}/s`, MODE)
      const file = lstatSync(`${own}/s`)
      await publish(`${own}/s`, this.#path)
      this.#file = file
    } finally {
      rmSync(own, { recursive: true, force: true })
    }
  }

  async #end(): Promise<void> {
    this.#file = undefined
    if (!this.#server.listening) return
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}

/** Gives a socket its name, as `bind` does: only if nothing has it. */
async function publish(own: string, path: string): Promise<void> {
  try {
    linkSync(own, path)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    if (!lstatSync(path).isSocket()) throw new Error('a file that is no socket has this path')
    if (!(await isLeftOver(path))) throw new Error('another process listens there')
    unlinkSync(path)
    linkSync(own, path)
  }
}

async function isLeftOver(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    return systemCode(error) === 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

function isSame(file: Stats, path: string): boolean {
  const now = lstatSync(path, { throwIfNoEntry: false })
  return now !== undefined && now.ino === file.ino && now.dev === file.dev
}
