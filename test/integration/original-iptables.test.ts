import t from 'tap'
import { ComparedCase } from '../support/comparison/compared-case.js'
import { COMPARED_SERVICES } from '../support/comparison/compared-services.js'
import {
  EXPECTED_DIFFERENCES,
  type ExpectedDifference,
  NODE_PORT_RANGE,
  expectedDifference,
} from '../support/comparison/expected-differences.js'
import { type ComparedSettings, rulesOfBoth } from '../support/comparison/rules-of-both.js'
import { cannotUseNamespaces } from '../support/node-network.js'
import { originalMissing } from '../support/original-kube-proxy.js'

/** What a Service with one endpoint on the node must be to a host outside, by anybody's rules: that both are not just silent. */
const KNOWN = {
  'cluster IP': '10.244.0.2:8080 masqueraded',
  'external IP': '10.244.0.2:8080 masqueraded',
  'load-balancer IP': '10.244.0.2:8080 masqueraded',
  'node port': '10.244.0.2:8080 masqueraded',
  'port it has not': 'untouched',
}

const SETTINGS: readonly ComparedSettings[] = [
  { flavour: 'nft', flags: [] },
  { flavour: 'nft', flags: ['--masquerade-all'] },
  { flavour: 'nft', flags: [NODE_PORT_RANGE] },
  { flavour: 'legacy', flags: [] },
]

for (const settings of SETTINGS) {
  const { flavour, flags } = settings
  const sentence = `Rules lead where those of kube-proxy 1.20.2 lead, or better (${[flavour, ...flags].join(' ')})`
  void t.test(sentence, { skip: cannotUseNamespaces || originalMissing, timeout: 180_000 }, async t => {
    const rules = await rulesOfBoth(t, COMPARED_SERVICES, settings)
    const cases = COMPARED_SERVICES.flatMap(service => ComparedCase.allOf(service, rules))
    const seen = new Set<ExpectedDifference>()

    for (const service of COMPARED_SERVICES) {
      const wrong: string[] = []
      for (const compared of cases.filter(each => each.service === service)) {
        const { original, ours } = compared
        const difference = expectedDifference(compared, flags)
        const wanted = difference?.ours(compared) ?? original
        if (difference !== undefined && ours !== original) seen.add(difference)
        if (ours === wanted) continue
        const because = difference === undefined ? 'as the original' : `${difference.name}: ${difference.because}`
        wrong.push(`${compared}: is "${ours}", should be "${wanted}" (${because})`)
      }
      t.strictSame(wrong, [], service.name)
    }

    for (const [kind, answer] of Object.entries(KNOWN)) {
      const known = cases.filter(
        ({ service, address, client }) =>
          service.name === 'one endpoint' &&
          address.kind === kind &&
          address.protocol === 'tcp' &&
          client === 'a host outside',
      )
      t.strictSame(
        known.map(({ original, ours }) => ({ original, ours })),
        [{ original: answer, ours: answer }],
        `a host outside asks ${kind}`,
      )
    }

    for (const difference of EXPECTED_DIFFERENCES) {
      const { name, flag, byChance = false } = difference
      if (byChance || (flag !== undefined && !flags.includes(flag))) continue
      t.ok(seen.has(difference), `still so: ${name}`)
    }
  })
}
