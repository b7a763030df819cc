/** Entry: the process at the client that `BenchClient` commands. A line of JSON for each command, and one for its answer. */
import { createInterface } from 'node:readline'
import { firstConnects } from './first-connects.js'
import { HeldConnections } from './held-connections.js'
import { askOnce } from './ask-once.js'
import { type AwaitedAnswer, awaitAnswer } from './await-answer.js'
import { steadyRequests } from './steady-requests.js'
import { visits } from './visits.js'

/** What it is told. */
export type ClientCommand =
  | { readonly do: 'reach'; readonly ip: string; readonly port: number; readonly limitMs: number }
  | { readonly do: 'hold'; readonly ip: string; readonly port: number; readonly count: number }
  | { readonly do: 'release' }
  | { readonly do: 'connects'; readonly ips: readonly string[]; readonly port: number; readonly count: number }
  | {
      readonly do: 'await'
      readonly ip: string
      readonly port: number
      readonly awaited: AwaitedAnswer
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
      readonly do: 'visits'
      readonly ip: string
      readonly port: number
      readonly perSecond: number
      readonly seconds: number
    }

const held = new HeldConnections()

async function answer(command: ClientCommand): Promise<unknown> {
  switch (command.do) {
    case 'reach':
      return reach(command.ip, command.port, command.limitMs)
    case 'hold':
      return held.open(command.ip, command.port, command.count)
    case 'release':
      return held.close()
    case 'connects':
      return firstConnects(command.ips, command.port, command.count)
    case 'await':
      return awaitAnswer(command.ip, command.port, command.awaited, command.limitMs)
    case 'steady':
      return steadyRequests(command.ip, command.port, command.perSecond, command.seconds, command.connections)
    case 'visits':
      return visits(command.ip, command.port, command.perSecond, command.seconds)
  }
}

/** The answer itself is all there is to wait for, so it is asked for again and again. */
async function reach(ip: string, port: number, limitMs: number): Promise<void> {
  const limit = Date.now() + limitMs
  for (let last = ''; ;) {
    try {
      return void (await askOnce(ip, port, 1000))
    } catch (error) {
      last = (error as Error).message
    }
    if (Date.now() > limit) throw new Error(`${ip}:${port} has not answered within ${limitMs} ms: ${last}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = await answer(JSON.parse(line) as ClientCommand).then(
    result => ({ result }),
    (error: Error) => ({ error: error.message }),
  )
  process.stdout.write(`${JSON.stringify(said)}\n`)
}
