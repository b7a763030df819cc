/** Entry: the process at the client that `SoakClient` commands. A line of JSON for each command, and one for its answer, in any order. */
import { createInterface } from 'node:readline'
import { type BenchService } from '../../site/bench-service.js'
import { Rounds } from './round.js'
import { standingLoad } from './standing-load.js'
import { TallyBook } from './tally.js'
import { Visitors, served } from './visitors.js'

/** What it is told. */
export type SoakCommand =
  | {
      readonly do: 'visit'
      readonly kind: 'passing' | 'hollow'
      readonly service: BenchService
      readonly answeredAs: string
    }
  | { readonly do: 'leave' | 'outlive' | 'beRefused'; readonly service: BenchService }
  | { readonly do: 'awaitAll'; readonly services: readonly BenchService[] }
  | { readonly do: 'scrape'; readonly url: string }
  | { readonly do: 'start' | 'report' | 'stop' }

/** How long a scrape may take, in milliseconds: as long as Prometheus waits by default. */
const SCRAPE_MS = 10_000

const book = new TallyBook()
const visitors = new Visitors(book)
const rounds = new Rounds()

async function answer(command: SoakCommand): Promise<unknown> {
  switch (command.do) {
    case 'start':
      return standingLoad(book).forEach(round => rounds.start(round))
    case 'awaitAll':
      return Promise.all(command.services.map(service => served(service)))
    case 'visit':
      return visitors.visit(command.kind, command.service, command.answeredAs)
    case 'leave':
    case 'outlive':
    case 'beRefused':
      return visitors[command.do](command.service)
    case 'scrape':
      return (await fetch(command.url, { signal: AbortSignal.timeout(SCRAPE_MS) })).text()
    case 'report':
      return { tallies: book.tallies, noted: book.noted }
    case 'stop':
      return rounds.stop()
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command } = JSON.parse(line) as { readonly id: number; readonly command: SoakCommand }
  void answer(command)
    .then(
      result => ({ id, result }),
      (error: Error) => ({ id, error: error.message }),
    )
    .then(said => process.stdout.write(`${JSON.stringify(said)}\n`))
}
