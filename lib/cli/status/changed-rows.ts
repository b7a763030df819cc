/** What distinguishes a row of a table from others. */
export interface RowIdentity {
  /** The thing that the row is about. */
  readonly key: string
  /** What the row says of it, without what only the passing of time changes. */
  readonly content: string
}

/** Remembers what the rows of a table have said, so that a watch shows only those that are new or different. */
export class ChangedRows {
  #known: ReadonlyMap<string, string> = new Map()

  /** Takes all rows of now. @returns those that are new or different since the last call */
  next<Row extends RowIdentity>(rows: readonly Row[]): Row[] {
    const fresh = rows.filter(({ key, content }) => this.#known.get(key) !== content)
    this.#known = new Map(rows.map(({ key, content }) => [key, content]))
    return fresh
  }
}
