/** Entry: the client process of `BenchClient`. Reads one JSON line per command and writes one JSON line per result. */
import { createInterface } from 'node:readline'
import { measureConnects } from './measure-connects.js'
import { IdleConnections } from './idle-connections.js'
import { requestOnce } from './request-once.js'
import { type ExpectedResponder, waitForResponder } from './wait-for-responder.js'
import { runSteadyRequests } from './steady-requests.js'
import { runConnections } from './connections.js'

/** A command. */
export type ClientCommand =
  | { readonly do: 'wait-reachable'; readonly ip: string; readonly port: number; readonly limitMs: number }
  | { readonly do: 'open-idle'; readonly ip: string; readonly port: number; readonly count: number }
  | { readonly do: 'close-idle' }
  | { readonly do: 'connects'; readonly ips: readonly string[]; readonly port: number; readonly count: number }
  | {
      readonly do: 'await'
      readonly ip: string
      readonly port: number
      readonly awaited: ExpectedResponder
      readonly limitMs: number
    }
  | {
      readonly do: 'steady'
      readonly ip: string
      readonly port: number
      readonly perSecond: number
      readonly seconds: number
      readonly connections: number
    }
  | {
      readonly do: 'connections'
      readonly ip: string
      readonly port: number
      readonly perSecond: number
      readonly seconds: number
    }

const idleConnections = new IdleConnections()

async function handle(command: ClientCommand): Promise<unknown> {
  switch (command.do) {
    case 'wait-reachable':
      return waitUntilReachable(command.ip, command.port, command.limitMs)
    case 'open-idle':
      return idleConnections.open(command.ip, command.port, command.count)
    case 'close-idle':
      return idleConnections.close()
    case 'connects':
      return measureConnects(command.ips, command.port, command.count)
    case 'await':
      return waitForResponder(command.ip, command.port, command.awaited, command.limitMs)
    case 'steady':
      return runSteadyRequests(command.ip, command.port, command.perSecond, command.seconds, command.connections)
    case 'connections':
      return runConnections(command.ip, command.port, command.perSecond, command.seconds)
  }
}

/** There is no event to wait for, so this polls. */
async function waitUntilReachable(ip: string, port: number, limitMs: number): Promise<void> {
  const limit = Date.now() + limitMs
  for (let last = ''; ;) {
    try {
      return void (await requestOnce(ip, port, 1000))
    } catch (error) {
      last = (error as Error).message
    }
    if (Date.now() > limit) throw new Error(`${ip}:${port} has not answered within ${limitMs} ms: ${last}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await handle(JSON.parse(line) as ClientCommand).then(
    result => ({ result }),
    (error: Error) => ({ error: error.message }),
  )
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
