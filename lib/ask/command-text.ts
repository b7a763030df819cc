/** Characters that a shell would not leave alone. */
const QUOTED = /[^\w@%+=:,./-]/

/** A command as a user would type it in a shell. */
export function commandText(program: string, args: readonly string[]): string {
  return [program, ...args].map(quoteWord).join(' ')
}

/** A word of such a command. */
export function quoteWord(word: string): string {
  return QUOTED.test(word) || word === '' ? `'${word.replaceAll("'", `'\\''`)}'` : word
}
