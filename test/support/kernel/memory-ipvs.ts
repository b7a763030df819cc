import { type ObservedServer, type IpvsChange, changeLine, parseIpvsText } from '../../../lib/system/ipvs-text.js'
import { type Ipvs } from '../../../lib/system/ipvs.js'
import { type PersistedClient } from '../../../lib/system/persisted-client.js'

interface MemoryVirtualServer {
  readonly scheduler: string
  readonly flags: string
  readonly persistenceSeconds: number
  /** By address and port, the newest one first: the order in which the kernel lists them. */
  readonly weights: ReadonlyMap<string, number>
}

const PROTOCOLS = new Map([
  ['-t', 'TCP'],
  ['-u', 'UDP'],
  ['--sctp-service', 'SCTP'],
])
const KNOWN_OPTIONS = ['-s', '-p', '-b', '-r', '-w']

/**
 * Virtual servers in memory, as `ipvsadm --restore` and `ipvsadm -L -n` show them, written from the program's manual and
 * not from the proxy's code. Anything unknown, an existing server and a missing server are errors. There are no connections.
 */
export class MemoryIpvs implements Ipvs {
  /** Number of changes. */
  writes = 0
  /** By protocol and address: `TCP 10.96.0.10:80`. */
  readonly #servers = new Map<string, MemoryVirtualServer>()

  /** The output of `ipvsadm -L -n`. */
  get listOutput(): string {
    const lines = ['IP Virtual Server version 1.2.1 (size=4096)', 'Prot LocalAddress:Port Scheduler Flags']
    lines.push('  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn')
    for (const [name, { scheduler, flags, persistenceSeconds, weights }] of this.#servers) {
      const [protocol = '', address] = name.split(' ')
      const words = [
        flags === '' ? '' : ` (${flags})`,
        persistenceSeconds === 0 ? '' : ` persistent ${persistenceSeconds}`,
      ]
      lines.push(`${protocol.padEnd(4)} ${address} ${scheduler}${words.join('')}`)
      for (const [end, weight] of weights) lines.push(`  -> ${end.padEnd(28)} Masq    ${weight}      0          0`)
    }
    return `${lines.join('\n')}\n`
  }

  list(): Promise<ObservedServer[]> {
    return Promise.resolve(parseIpvsText(this.listOutput))
  }

  /** There are no connections. */
  listPersisted(): Promise<PersistedClient[]> {
    return Promise.resolve([])
  }

  change(changes: readonly IpvsChange[]): Promise<void> {
    // Like the program, it continues after a line that fails.
    const failures = changes.map(changeLine).flatMap(line => {
      this.writes++
      const reason = this.#restoreLine(line)
      return reason === undefined ? [] : [`ipvsadm ${line}: ${reason}`]
    })
    return failures.length === 0 ? Promise.resolve() : Promise.reject(new Error(failures.join('; ')))
  }

  setTimeouts(): Promise<void> {
    this.writes++
    return Promise.resolve()
  }

  /** Does what `ipvsadm --restore` does with a line. @returns its error message, if any */
  #restoreLine(line: string): string | undefined {
    const [command, protocolOption = '', address = '', ...rest] = line.split(' ')
    const protocol = PROTOCOLS.get(protocolOption)
    if (protocol === undefined || !isHostPort(address)) return 'no service is named'
    const name = `${protocol} ${address}`
    const service = this.#servers.get(name)
    const options = parseOptions(rest)
    if (typeof options === 'string') return options
    if (command === '-A') {
      if (service !== undefined) return 'Service already exists'
    } else if (service === undefined)
      return command === '-E' || command === '-D' ? 'No such service' : 'Service not defined'
    switch (command) {
      case '-A':
      case '-E':
        this.#servers.set(name, { ...readServerSettings(options), weights: service?.weights ?? new Map() })
        return undefined
      case '-D':
        this.#servers.delete(name)
        return undefined
      default: {
        const weights = applyRealServerCommand(command ?? '', service!.weights, options)
        if (typeof weights === 'string') return weights
        this.#servers.set(name, { ...service!, weights })
        return undefined
      }
    }
  }
}

function applyRealServerCommand(
  command: string,
  before: MemoryVirtualServer['weights'],
  options: ReadonlyMap<string, string>,
): MemoryVirtualServer['weights'] | string {
  const end = options.get('-r') ?? ''
  const isThere = before.has(end)
  if (!isHostPort(end)) return 'no destination is named'
  const weight = Number(options.get('-w') ?? 1)
  switch (command) {
    case '-a':
      if (!options.has('-m')) return 'only masquerading changes ports'
      return isThere ? 'Destination already exists' : new Map([[end, weight], ...before])
    case '-e':
      return isThere ? new Map([...before, [end, weight]]) : 'No such destination'
    case '-d':
      return isThere ? new Map([...before].filter(([other]) => other !== end)) : 'No such destination'
    default:
      return 'no such command'
  }
}

function readServerSettings(options: ReadonlyMap<string, string>): Omit<MemoryVirtualServer, 'weights'> {
  return {
    scheduler: options.get('-s') ?? 'wlc',
    flags: options.get('-b') ?? '',
    persistenceSeconds: Number(options.get('-p') ?? 0),
  }
}

function parseOptions(words: readonly string[]): Map<string, string> | string {
  const options = new Map<string, string>()
  const rest = [...words]
  for (let option = rest.shift(); option !== undefined; option = rest.shift()) {
    const value = option === '-m' ? '' : rest.shift()
    if (value === undefined || (option !== '-m' && !KNOWN_OPTIONS.includes(option))) return `not understood: ${option}`
    options.set(option, value)
  }
  return options
}

function isHostPort(text: string): boolean {
  return /^([\d.]+|\[[\da-f:]+\]):\d+$/.test(text)
}
