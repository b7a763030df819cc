import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs'
import { once } from 'node:events'
import { type Server as HttpServer } from 'node:http'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { systemCode } from '../model/failure.js'

/** Only the user of the proxy may ask. */
const MODE = 0o600
const FOLDER_MODE = 0o700

/**
 * Lets a server listen on a Unix socket. A socket that no process listens on any more was left by one that was killed: it is replaced.
 * @throws Error of the system, if the folder cannot be written or another process listens there
 */
export async function openStatusSocket(server: HttpServer, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE })
  try {
    await listen(server, path)
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE' || !(await isLeftOver(path))) throw error
    unlinkSync(path)
    await listen(server, path)
  }
  chmodSync(path, MODE)
}

async function listen(server: HttpServer, path: string): Promise<void> {
  const listening = once(server, 'listening')
  server.listen(path)
  await listening
}

async function isLeftOver(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) return false
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
