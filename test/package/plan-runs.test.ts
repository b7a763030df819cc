import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'

interface Plan {
  readonly main: readonly string[]
  readonly beside: readonly string[]
  readonly alone: readonly string[]
}

const { planRuns } = (await import(resolve('bin/plan-runs.mjs'))) as {
  readonly planRuns: (files: readonly string[]) => Plan
}
const FOLDER = 'dist/test/integration'
const [web, ipvs, modes, handOver] = [
  `${FOLDER}/web.test.js`,
  `${FOLDER}/ipvs-proxier-in-vm.test.js`,
  `${FOLDER}/mode-switch-in-vm.test.js`,
  `${FOLDER}/hand-over-between-modes-in-vm.test.js`,
] as const

t.test('virtual machines run beside the other tests; those that count losses in real time run after all others', t => {
  const plan = planRuns([ipvs, modes, web, handOver])
  t.same(plan, { main: [web], beside: [ipvs], alone: [modes, handOver] })
  for (const file of plan.alone)
    t.ok(existsSync(join('test/integration', file.slice(FOLDER.length).replace('.js', '.ts'))), file)
  t.end()
})

t.test('without other tests, all virtual machines run in one sequence', t => {
  t.same(planRuns([ipvs, modes]), { main: [], beside: [], alone: [ipvs, modes] })
  t.end()
})
