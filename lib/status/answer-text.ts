import { FairTurns } from './fair-turns.js'

/** Items of one piece. */
const ITEMS_PER_PIECE = 100

/** The JSON of an answer, in pieces: other work of the process passes while those of a long list are made. */
export async function answerText(content: object): Promise<readonly Buffer[]> {
  const { items, ...rest } = content as { readonly items?: unknown }
  if (!isIterable(items)) return [Buffer.from(`${JSON.stringify(content)}\n`)]
  const turns = new FairTurns()
  const pieces = [Buffer.from(`${JSON.stringify(rest).slice(0, -1)},"items":[`)]
  for (const piece of piecesOf(items)) {
    const text = JSON.stringify(piece).slice(1, -1)
    pieces.push(Buffer.from(pieces.length === 1 ? text : `,${text}`))
    await turns.count(ITEMS_PER_PIECE)
  }
  pieces.push(Buffer.from(']}\n'))
  return pieces
}

function* piecesOf(items: Iterable<unknown>): Iterable<readonly unknown[]> {
  let piece: unknown[] = []
  for (const item of items) {
    piece.push(item)
    if (piece.length < ITEMS_PER_PIECE) continue
    yield piece
    piece = []
  }
  if (piece.length > 0) yield piece
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}
