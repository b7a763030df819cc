import t, { type Test } from 'tap'
import { ScenarioRunner } from '../support/scenarios/scenario-runner.js'
import { comparableOutcome } from '../support/scenarios/scenario-packets.js'
import {
  type Scenario,
  type ScenarioMode,
  parseScenario,
  readScenarios,
  stepForMode,
} from '../support/scenarios/scenario.js'

/** README.md in the folder of the scenarios describes the format. */
const scenarios = readScenarios()
t.ok(scenarios.length > 30, `${scenarios.length} scenarios`)

for (const mode of ['userspace', 'iptables', 'ipvs'] as const)
  for (const scenario of scenarios.filter(({ modes }) => modes.includes(mode)))
    void t.test(`${mode}, ${scenario.file}: ${scenario.behaviour}`, t => runScenario(t, scenario, mode))

async function runScenario(t: Test, { settings, steps }: Scenario, mode: ScenarioMode): Promise<void> {
  const runner = await ScenarioRunner.start(settings, mode)
  let before: ScenarioRunner['entries'] = new Map()
  for (const [index, each] of steps.entries()) {
    const step = stepForMode(mode, each, index === 0)
    const report = await runner.applyStep(step)
    const { served, entries } = runner
    t.same(served, step.expect, `${step.title}: what is served`)
    t.same(report.problems, step.problems, `${step.title}: reports about invalid fields`)
    t.same(report.warnings, step.warnings, `${step.title}: warnings about the state as a whole`)
    t.same(report.flows, step.flows, `${step.title}: UDP flows`)
    t.same(runner.health, step.health, `${step.title}: health checks`)
    for (const packet of step.packets) {
      const outcome = comparableOutcome(packet.outcome, runner.resolvePacket(packet))
      t.same(outcome, packet.outcome, `${step.title}: packet to ${packet.text}, ${packet.client}`)
      const explained = comparableOutcome(packet.outcome, runner.explainPacket(packet))
      t.same(explained, packet.outcome, `${step.title}: packet to ${packet.text}, ${packet.client}, as explained`)
    }
    for (const [text, clients] of Object.entries(step.masqueraded)) {
      t.same(runner.masqueradedClients(text), clients, `${step.title}: masqueraded clients at ${text}`)
      const explained = runner.masqueradedClients(text, packet => runner.explainPacket(packet))
      t.same(explained, clients, `${step.title}: masqueraded clients at ${text}, as explained`)
    }
    for (const name of step.unchanged) {
      const [entry, identity] = entries.get(name) ?? []
      t.ok(entry !== undefined, `${step.title}: ${name} is there`)
      t.equal(entry, before.get(name)?.[0], `${step.title}: entry of ${name} is the same object`)
      t.equal(identity, before.get(name)?.[1], `${step.title}: listener or rules of ${name} are the same`)
    }
    if (step.rules !== undefined)
      t.equal(report.rulesWritten ? 'written' : 'not written', step.rules, `${step.title}: rules`)
    before = entries
  }
}

void t.test('a scenario with an unknown field or value is rejected', t => {
  const table: readonly (readonly [text: string, message: string])[] = [
    ['expect: {}', 'x.yaml: "behaviour" is missing: one sentence'],
    ['behaviour: b', 'x.yaml, step 1: "expect" is missing; {} for nothing served'],
    ['behaviour: b\nexpekt: {}', 'x.yaml: "expekt" is none of'],
    ['behaviour: b\nsteps: [{ expect: {} }]', 'x.yaml, step 1: "title" is missing'],
    ['behaviour: b\nexpect: { a/b/TCP: { endpoint: [] } }', 'x.yaml, step 1, a/b/TCP: "endpoint" is none of'],
    ['behaviour: b\nsteps: []\nobjects: []', 'x.yaml: "objects" is none of'],
    ['behaviour: [', 'x.yaml: '],
    ['behaviour: b\nmodes: [ip]\nexpect: {}', 'x.yaml: "modes" are not some of userspace, iptables, ipvs'],
    ['behaviour: b\nexpect: {}\niptables: { health: {} }', 'x.yaml, step 1, iptables: "health" is none of'],
    ['behaviour: b\nexpect: {}\nipvs: { health: {} }', 'x.yaml, step 1, ipvs: "health" is none of'],
    ['behaviour: b\nexpect: {}\nkernel: { kernel: {} }', 'x.yaml, step 1, kernel: "kernel" is none of'],
    ['behaviour: b\nnode: { zone: a }\nexpect: {}', 'x.yaml, node: "zone" is none of'],
    ['behaviour: b\nflags: { zone: a }\nexpect: {}', 'x.yaml, flags: "zone" is none of'],
    [
      'behaviour: b\nflags: { nodeport-addresses: [10.0.0.1] }\nexpect: {}',
      'x.yaml: --nodeport-addresses ["10.0.0.1"]',
    ],
    ['behaviour: b\nexpect: {}\npackets: { 10.0.0.1: refused }', 'x.yaml, step 1: "10.0.0.1" is not written as'],
    [
      'behaviour: b\nexpect: {}\npackets: { 10.0.0.1:80/TCP: accepted }',
      'x.yaml, step 1, 10.0.0.1:80/TCP: expected an outcome',
    ],
    [
      'behaviour: b\nexpect: {}\npackets: { 10.0.0.1:80/TCP: { pods: refused } }',
      'x.yaml, step 1, 10.0.0.1:80/TCP: "pods" is none of',
    ],
    ['behaviour: b\nexpect: {}\npackets: { 10.0.0.1:80/TCP: { pod: [] } }', 'x.yaml, step 1, 10.0.0.1:80/TCP, pod: '],
  ]
  for (const [text, message] of table)
    t.throws(() => parseScenario('x.yaml', text), { message: new RegExp(`^${escaped(message)}`) })
  t.end()
})

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
