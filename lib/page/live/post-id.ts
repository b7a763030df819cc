import { type StatusError } from '../../status/status-document.js'

/** Sends the id of something that the demo can do. @throws Error with the reason why the demo does not do it */
export async function postId(path: string, id: string): Promise<Response> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ id }),
  })
  if (response.ok) return response
  throw new Error(((await response.json()) as StatusError).message)
}
