import { FairTurns } from './fair-turns.js'

/** Items of one piece. */
const ITEMS_PER_PIECE = 100

/** The JSON of an answer, in pieces: other work of the process passes while those of a long list are made. */
export async function answerText(content: object): Promise<readonly Buffer[]> {
  const { items, ...rest } = content as { readonly items?: unknown }
  if (!Array.isArray(items)) return [Buffer.from(`${JSON.stringify(content)}\n`)]
  const turns = new FairTurns()
  const pieces = [Buffer.from(`${JSON.stringify(rest).slice(0, -1)},"items":[`)]
  for (let start = 0; start < items.length; start += ITEMS_PER_PIECE) {
    const text = JSON.stringify(items.slice(start, start + ITEMS_PER_PIECE)).slice(1, -1)
    pieces.push(Buffer.from(start === 0 ? text : `,${text}`))
    await turns.count(ITEMS_PER_PIECE)
  }
  pieces.push(Buffer.from(']}\n'))
  return pieces
}
