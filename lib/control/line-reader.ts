import { type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** All messages are shorter. A process that sends no end of a line would otherwise fill the memory of this one. */
const MAX_LINE_BYTES = 64

/**
 * Reads the lines that a socket receives, and destroys one that sends a longer line than any message.
 * @returns reads the next one: undefined at the end, also if the connection has failed
 */
export function lineReader(socket: Socket): () => Promise<string | undefined> {
  let bytes = 0
  socket.on('data', chunk => {
    const end = chunk.lastIndexOf('\n')
    bytes = end === -1 ? bytes + chunk.length : chunk.length - end - 1
    if (bytes > MAX_LINE_BYTES) socket.destroy()
  })
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
