import { type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type NetworkNamespace } from '../../lib/demo/network-namespace.js'
import { InsideNode } from './inside-node.js'
import { type InsideCommand, type InsideService } from './ipvs-inside.js'
import { type NodeNetwork } from './node-network.js'

/** A proxy in ipvs mode on a node, driven by hand. */
export class IpvsNode {
  readonly #inside: InsideNode

  constructor(network: NodeNetwork) {
    this.#inside = new InsideNode(network, 'ipvs-inside')
  }

  /** Makes one that has started, as after a restart. */
  static async start(network: NodeNetwork): Promise<IpvsNode> {
    const node = new IpvsNode(network)
    const said = await node.do({ do: 'start' })
    if (said !== 'done') throw new Error(JSON.stringify(said))
    return node
  }

  async do(command: InsideCommand): Promise<unknown> {
    return JSON.parse(await this.#inside.command(command)) as unknown
  }

  serve(...services: readonly InsideService[]): Promise<unknown> {
    return this.do({ do: 'serve', services })
  }

  /** Ends it as a machine that fails would. */
  kill(): void {
    this.#inside.child.kill('SIGKILL')
  }
}

/** A connection that stays open: lines go there and come back. */
export class EchoConnection {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(network: NodeNetwork, namespace: NetworkNamespace, ip: string, port: number) {
    const file = fileURLToPath(new URL('echo-client.js', import.meta.url))
    this.#child = network.start(namespace, process.execPath, [file, ip, String(port)])
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  /** Sends a line, and gives the next one that comes. The first one has to be `echo`. */
  async say(line: string): Promise<string> {
    this.#child.stdin!.write(`${line}\n`)
    const { value, done } = await this.#lines.next()
    return done === true ? 'ended' : value
  }
}

/** The addresses that a process in a namespace of its own has connections of TCP port 8080 with. */
export function clientsOf({ pid }: ChildProcess): string[] {
  const table = readFileSync(`/proc/${pid}/net/tcp6`, 'utf8').split('\n').slice(1)
  return table.flatMap(row => {
    const [, local, remote, state] = row.trim().split(/\s+/)
    if (state !== '01' || !local!.endsWith(':1F90')) return []
    // An IPv4 address is the last of four groups, its bytes in the machine's order.
    const bytes = remote!.slice(24, 32).match(/../g)!.reverse()
    return [bytes.map(byte => Number.parseInt(byte, 16)).join('.')]
  })
}
