import { type ServerResponse } from 'node:http'
import { onceClosed } from '../status/once-closed.js'

/**
 * Sends an empty line again and again, so that a browser does not give up an answer that is silent for long. It ends when the response does.
 * @returns ends it
 */
export function sendSigns(response: ServerResponse, periodMs: number): () => void {
  const timer = setInterval(() => response.write('\n'), periodMs)
  const end = (): void => clearInterval(timer)
  onceClosed(response, end)
  return end
}
