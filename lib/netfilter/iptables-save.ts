/** Rules as they were found in the kernel: table name to chain name to rules, each as its words without `-A chain`. */
export type ObservedRules = ReadonlyMap<string, ObservedTable>
export type ObservedTable = ReadonlyMap<string, ObservedChain>
export type ObservedChain = readonly (readonly string[])[]

/** Reads what `iptables-save` printed. Lines it does not know are passed over: they are not about rules. */
export function parseIptablesSave(text: string): ObservedRules {
  const tables = new Map<string, Map<string, string[][]>>()
  let table = new Map<string, string[][]>()
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = new Map()
      tables.set(line.slice(1).trim(), table)
    } else if (line.startsWith(':')) {
      table.set(line.slice(1).split(' ', 1)[0]!, [])
    } else if (line.startsWith('-A ') || line.startsWith('[')) {
      // With counters (`iptables-save -c`) a rule is preceded by [packets:bytes].
      const [, chain, ...words] = splitArgs(line.replace(/^\[\d+:\d+\] /, ''))
      if (chain !== undefined) table.get(chain)?.push(words)
    }
  }
  return tables
}

/** Splits a line of rule text into words; double quotes hold a word together, backslash takes the next character as it is. */
function splitArgs(line: string): string[] {
  const words: string[] = []
  for (const match of line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    words.push(match[1] === undefined ? match[2]! : match[1].replace(/\\(.)/g, '$1'))
  }
  return words
}

/** The chain or target that a rule jumps (`-j`) or goes (`-g`) to, or undefined. */
export function targetOf(args: readonly string[]): string | undefined {
  return optionValue(args, '-j') ?? optionValue(args, '-g')
}

/** The word that follows an option, or undefined. */
export function optionValue(args: readonly string[], option: string): string | undefined {
  const index = args.indexOf(option)
  return index < 0 ? undefined : args[index + 1]
}
