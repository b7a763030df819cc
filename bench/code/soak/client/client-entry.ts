/** Entry: the client process of `SoakClient`. Reads one JSON line per command and writes one JSON line per result, in any order. */
import { createInterface } from 'node:readline'
import { type BenchService } from '../../testbed/bench-service.js'
import { RepeatedTasks } from './repeated-task.js'
import { constantLoad } from './constant-load.js'
import { TallyRecorder } from './tally.js'
import { TransientServiceLoad, waitUntilServed } from './transient-service-load.js'

/** A command. */
export type SoakCommand =
  | {
      readonly do: 'start-service'
      readonly kind: 'temporary' | 'emptied'
      readonly service: BenchService
      readonly answeredAs: string
    }
  | { readonly do: 'stop-service' | 'check-removed' | 'wait-refused'; readonly service: BenchService }
  | { readonly do: 'wait-served'; readonly services: readonly BenchService[] }
  | { readonly do: 'scrape'; readonly url: string }
  | { readonly do: 'start' | 'report' | 'stop' }

/** Time limit of a scrape in milliseconds: the default of Prometheus. */
const SCRAPE_TIMEOUT_MS = 10_000

const tallies = new TallyRecorder()
const transientLoad = new TransientServiceLoad(tallies)
const rounds = new RepeatedTasks()

async function handle(command: SoakCommand): Promise<unknown> {
  switch (command.do) {
    case 'start':
      return constantLoad(tallies).forEach(round => rounds.start(round))
    case 'wait-served':
      return Promise.all(command.services.map(service => waitUntilServed(service)))
    case 'start-service':
      return transientLoad.startService(command.kind, command.service, command.answeredAs)
    case 'stop-service':
      return transientLoad.stopService(command.service)
    case 'check-removed':
      return transientLoad.checkRemovedService(command.service)
    case 'wait-refused':
      return transientLoad.waitUntilRefused(command.service)
    case 'scrape':
      return (await fetch(command.url, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) })).text()
    case 'report':
      return { tallies: tallies.tallies, noted: tallies.recordedErrors }
    case 'stop':
      return rounds.stop()
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command } = JSON.parse(line) as { readonly id: number; readonly command: SoakCommand }
  void handle(command)
    .then(
      result => ({ id, result }),
      (error: Error) => ({ id, error: error.message }),
    )
    .then(result => process.stdout.write(`${JSON.stringify(result)}\n`))
}
