import { type ServerResponse } from 'node:http'

/**
 * Calls a listener once: when the response is complete, or its connection is closed. The response alone says nothing of a connection that
 * closes while an earlier response of it is not complete: Node.js has not given the connection to this response yet.
 */
export function onceClosed(response: ServerResponse, listener: () => void): void {
  const { socket } = response.req
  let isOver = false
  const end = (): void => {
    // A connection that closes lets its response close meanwhile: both have begun to call their listeners.
    if (isOver) return
    isOver = true
    response.off('close', end)
    socket.off('close', end)
    listener()
  }
  if (socket.closed) return listener()
  response.on('close', end)
  socket.on('close', end)
}

/** Whether the connection of a response is closed, or will be at once. */
export function hasLeft({ destroyed, req }: ServerResponse): boolean {
  return destroyed || req.socket.destroyed
}
