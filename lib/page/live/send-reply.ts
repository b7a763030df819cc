import { postId } from './post-id.js'

/** Replies to the lesson that runs. Resolves with the reason why the demo did not take it; undefined: it did. */
export async function sendReply(id: string): Promise<string | undefined> {
  try {
    await postId('/demo/reply', id)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
