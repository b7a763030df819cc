/** One event of `/v1/events`. */
export interface StatusEvent {
  readonly name: string
  /** The JSON of its data. */
  readonly data: unknown
}

/** Puts the pieces of a stream of server-sent events together, as the status API writes them: each with one line of data. */
export class EventReader {
  /** What is not complete yet. A large event comes in many pieces: they are joined once. */
  #pieces: string[] = []

  /** Takes the next piece. @returns the events that are complete now @throws SyntaxError for data that is no JSON */
  take(piece: string): StatusEvent[] {
    const isComplete =
      piece.includes('\n\n') || (piece.startsWith('\n') && this.#pieces.at(-1)?.endsWith('\n') === true)
    if (piece !== '') this.#pieces.push(piece)
    if (!isComplete) return []
    const blocks = this.#pieces.join('').split('\n\n')
    this.#pieces = [blocks.pop()!].filter(rest => rest !== '')
    return blocks.flatMap(block => {
      const lines = block.split('\n')
      const [name, data] = [fieldOf(lines, 'event: '), fieldOf(lines, 'data: ')]
      // A comment keeps the connection alive.
      return name === undefined || data === undefined ? [] : [{ name, data: JSON.parse(data) as unknown }]
    })
  }
}

function fieldOf(lines: readonly string[], start: string): string | undefined {
  return lines.find(line => line.startsWith(start))?.slice(start.length)
}
