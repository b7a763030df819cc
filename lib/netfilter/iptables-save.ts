/** The rules in the kernel: table name to chain name to rules, each as its arguments without `-A chain`. */
export type ObservedRules = ReadonlyMap<string, ObservedTable>
/** The chains of one table by name. */
export type ObservedTable = ReadonlyMap<string, ObservedChain>
/** The rules of one chain, each as its arguments. */
export type ObservedChain = readonly (readonly string[])[]

/** Parses the output of `iptables-save`. Other lines are ignored. */
export function parseIptablesSave(text: string): ObservedRules {
  const tables = new Map<string, Map<string, string[][]>>()
  let table = new Map<string, string[][]>()
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = new Map()
      tables.set(line.slice(1).trim(), table)
    } else if (line.startsWith(':')) {
      table.set(line.slice(1).split(' ', 1)[0]!, [])
    } else {
      // With counters (`iptables-save -c`) a rule is preceded by [packets:bytes].
      const rule = line.startsWith('[') ? line.replace(/^\[\d+:\d+\] /, '') : line
      if (!rule.startsWith('-A ')) continue
      const [chain, ...args] = splitArgs(rule.slice('-A '.length))
      if (chain !== undefined) table.get(chain)?.push(args)
    }
  }
  return tables
}

/** Splits a line into arguments. Double quotes join words to one argument; a backslash escapes the next character. */
export function splitArgs(line: string): string[] {
  const args: string[] = []
  for (const match of line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    args.push(match[1] === undefined ? match[2]! : match[1].replace(/\\(.)/g, '$1'))
  }
  return args
}

/** The chain or target that a rule jumps (`-j`) or goes (`-g`) to, or undefined. */
export function targetOf(args: readonly string[]): string | undefined {
  return optionValue(args, '-j') ?? optionValue(args, '-g')
}

/** The argument that follows an option, or undefined. */
export function optionValue(args: readonly string[], option: string): string | undefined {
  const index = args.indexOf(option)
  return index < 0 ? undefined : args[index + 1]
}
