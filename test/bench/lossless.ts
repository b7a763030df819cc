/**
 * Whether connections are lost while endpoints come and go:
 * `npm run bench -- lossless [SEQUENTIAL] [CONCURRENT]`, by default 100,000 and 5,000.
 * Needs root. Everything happens in network namespaces of its own. Exit code 1 when one was lost.
 */
import { ChurnedService } from '../support/churned-service.js'
import { type Teardown } from '../support/node-network.js'
import { Ending } from './ending.js'

const sequential = Number(process.argv[2] ?? 100_000)
const concurrent = Number(process.argv[3] ?? 5000)

await Ending.around(async (t: Teardown) => {
  const service = await ChurnedService.start(t)
  for (const [name, count, width] of [
    ['sequential', sequential, 1],
    ['concurrent', concurrent, undefined],
  ] as const) {
    const startedAt = Date.now()
    const { outcomes, answers } = await service.load(count, width)
    const seconds = (Date.now() - startedAt) / 1000
    const lost = count - (outcomes.answered ?? 0)
    process.stdout.write(
      `${count} ${name} connections in ${seconds.toFixed(1)} s: ${lost} lost ${JSON.stringify(outcomes)} ${JSON.stringify(answers)}\n`,
    )
    if (lost > 0) process.exitCode = 1
  }
  process.stdout.write(`endpoints were replaced ${await service.stopChurn()} times meanwhile\n`)
})
