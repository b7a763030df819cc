import t, { type Test } from 'tap'
import { ScenarioWorld } from '../support/scenario-world.js'
import { type Scenario, parseScenario, readScenarios } from '../support/scenario.js'

/** How to write one: README.md in the folder of the scenarios. */
const scenarios = readScenarios()
t.ok(scenarios.length > 30, `${scenarios.length} scenarios`)

for (const scenario of scenarios) {
  void t.test(`${scenario.file}: ${scenario.behaviour}`, t => {
    runScenario(t, scenario)
    t.end()
  })
}

function runScenario(t: Test, { node, steps }: Scenario): void {
  const world = new ScenarioWorld(node)
  let before: ScenarioWorld['entries'] = new Map()
  for (const step of steps) {
    const { rulesWritten, problems } = world.take(step)
    const { served, entries } = world
    t.same(served, step.expect, `${step.title}: what is served`)
    t.same(problems, step.problems, `${step.title}: what is told about wrong fields`)
    for (const [packet, answer] of Object.entries(step.packets))
      for (const hook of ['PREROUTING', 'OUTPUT'] as const)
        t.equal(world.answerTo(packet, hook), answer, `${step.title}: packet to ${packet} in ${hook}`)
    for (const name of step.unchanged) {
      const [entry, spec] = entries.get(name) ?? []
      t.ok(entry !== undefined, `${step.title}: ${name} is there`)
      t.equal(entry, before.get(name)?.[0], `${step.title}: entry of ${name} is the same object`)
      t.equal(spec, before.get(name)?.[1], `${step.title}: listener of ${name} is the same object`)
    }
    if (step.rules !== undefined) t.equal(rulesWritten ? 'written' : 'not written', step.rules, `${step.title}: rules`)
    before = entries
  }
}

void t.test('A scenario that says something nobody would look at is refused', t => {
  const table: readonly (readonly [text: string, message: string])[] = [
    ['expect: {}', 'x.yaml: "behaviour" is missing: one sentence'],
    ['behaviour: b', 'x.yaml, step 1: "expect" is missing; {} for nothing served'],
    ['behaviour: b\nexpekt: {}', 'x.yaml: "expekt" is none of'],
    ['behaviour: b\nsteps: [{ expect: {} }]', 'x.yaml, step 1: "title" is missing'],
    ['behaviour: b\nexpect: { a/b/TCP: { endpoint: [] } }', 'x.yaml, step 1, a/b/TCP: "endpoint" is none of'],
    ['behaviour: b\nsteps: []\nobjects: []', 'x.yaml: "objects" is none of'],
    ['behaviour: [', 'x.yaml: '],
  ]
  for (const [text, message] of table)
    t.throws(() => parseScenario('x.yaml', text), { message: new RegExp(`^${escaped(message)}`) })
  t.end()
})

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
