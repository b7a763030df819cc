import { type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** Reads the lines that a socket receives. @returns reads the next one: undefined at the end, also if the connection has failed */
export function lineReader(socket: Socket): () => Promise<string | undefined> {
  const reader = createInterface({ input: socket })
  // A socket that is destroyed has no `end`, and the reader would wait for it forever.
  socket.on('close', () => reader.close())
  const lines = reader[Symbol.asyncIterator]()
  return async () => {
    try {
      const { value, done } = await lines.next()
      return done === true ? undefined : value
    } catch {
      return undefined
    }
  }
}
