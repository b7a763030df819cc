import t from 'tap'
import { ComparedCase } from '../support/comparison/compared-case.js'
import { COMPARED_SERVICES } from '../support/comparison/compared-services.js'
import {
  EXPECTED_DIFFERENCES,
  type ExpectedDifference,
  NODE_PORT_RANGE,
  findExpectedDifference,
} from '../support/comparison/expected-differences.js'
import { type ComparedSettings, collectRules } from '../support/comparison/collect-rules.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { originalUnavailable } from '../support/processes/original-kube-proxy.js'

/** The outcome for an external host and a Service with one endpoint on the node, by the rules of both proxies. It proves that neither drops everything. */
const SANITY_OUTCOMES = {
  'cluster IP': '10.244.0.2:8080 masqueraded',
  'external IP': '10.244.0.2:8080 masqueraded',
  'load-balancer IP': '10.244.0.2:8080 masqueraded',
  'node port': '10.244.0.2:8080 masqueraded',
  'unserved port': 'untouched',
}

const SETTINGS: readonly ComparedSettings[] = [
  { backEnd: 'nft', flags: [] },
  { backEnd: 'nft', flags: ['--masquerade-all'] },
  { backEnd: 'nft', flags: [NODE_PORT_RANGE] },
  { backEnd: 'legacy', flags: [] },
]

for (const settings of SETTINGS) {
  const { backEnd, flags } = settings
  const sentence = `Rules lead where those of kube-proxy 1.20.2 lead, or better (${[backEnd, ...flags].join(' ')})`
  void t.test(sentence, { skip: namespacesUnavailable || originalUnavailable, timeout: 180_000 }, async t => {
    const rules = await collectRules(t, COMPARED_SERVICES, settings)
    const cases = COMPARED_SERVICES.flatMap(service => ComparedCase.listCases(service, rules))
    const seen = new Set<ExpectedDifference>()

    for (const service of COMPARED_SERVICES) {
      const wrong: string[] = []
      for (const compared of cases.filter(each => each.service === service)) {
        const { original, ours } = compared
        const difference = findExpectedDifference(compared, flags)
        const expected = difference?.ours(compared) ?? original
        if (difference !== undefined && ours !== original) seen.add(difference)
        if (ours === expected) continue
        const because = difference === undefined ? 'as the original' : `${difference.name}: ${difference.reason}`
        wrong.push(`${compared}: is "${ours}", should be "${expected}" (${because})`)
      }
      t.strictSame(wrong, [], service.name)
    }

    for (const [kind, answer] of Object.entries(SANITY_OUTCOMES)) {
      const known = cases.filter(
        ({ service, address, client }) =>
          service.name === 'one endpoint' &&
          address.kind === kind &&
          address.protocol === 'tcp' &&
          client === 'an external host',
      )
      t.strictSame(
        known.map(({ original, ours }) => ({ original, ours })),
        [{ original: answer, ours: answer }],
        `a host outside asks ${kind}`,
      )
    }

    for (const difference of EXPECTED_DIFFERENCES) {
      const { name, flag, isNondeterministic = false } = difference
      if (isNondeterministic || (flag !== undefined && !flags.includes(flag))) continue
      t.ok(seen.has(difference), `the difference still exists: ${name}`)
    }
  })
}
