/**
 * Checks whether connections are lost while endpoints change:
 * `npm run bench -- lossless [SEQUENTIAL] [CONCURRENT]`, by default 100,000 and 5,000.
 * Needs root. Everything runs in its own network namespaces. Exit code 1 if a connection was lost.
 */
import { ChurnedService } from '../../test/support/processes/churned-service.js'
import { type TeardownScope } from '../../test/support/nodes/node-network.js'
import { readNumbers } from './read-numbers.js'
import { CleanupStack } from './cleanup-stack.js'

const [sequential, concurrent] = readNumbers('lossless', { sequential: 100_000, concurrent: 5000 }) as [number, number]

await CleanupStack.run(async (t: TeardownScope) => {
  const service = await ChurnedService.start(t)
  for (const [name, count, width] of [
    ['sequential', sequential, 1],
    ['concurrent', concurrent, undefined],
  ] as const) {
    const startedAt = Date.now()
    const { outcomes, answers } = await service.runLoad(count, width)
    const seconds = (Date.now() - startedAt) / 1000
    const lost = count - (outcomes['answered'] ?? 0)
    process.stdout.write(
      `${count} ${name} connections in ${seconds.toFixed(1)} s: ${lost} lost ${JSON.stringify(outcomes)} ${JSON.stringify(answers)}\n`,
    )
    if (lost > 0) process.exitCode = 1
  }
  process.stdout.write(`endpoints were replaced ${await service.stopChurn()} times meanwhile\n`)
})
