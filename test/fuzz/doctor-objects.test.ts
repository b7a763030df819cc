import t from 'tap'
import { decodePod } from '../../lib/doctor/decode-pod.js'
import { decodeSpec } from '../../lib/doctor/decode-spec.js'
import { viewObjects } from '../../lib/doctor/view-objects.js'
import { makeApiService, makeApiSlice } from '../support/api/api-objects.js'
import { mutateValue } from '../support/checks/mutate-value.js'
import { seededRandom, testSeed } from '../support/checks/seeded-random.js'

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3000)
const SEED = testSeed()
const POD = {
  metadata: { name: 'a', namespace: 'b', labels: { app: 'a' }, deletionTimestamp: '2026-01-01T00:00:00Z' },
  spec: { nodeName: 'n', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 80, protocol: 'TCP' }] }] },
  status: {
    ...{ phase: 'Running', podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.2' }, { ip: 'fd00::2' }] },
    conditions: [{ type: 'Ready', status: 'False', message: 'm' }],
    containerStatuses: [{ name: 'c', state: { waiting: { reason: 'CrashLoopBackOff', message: 'm' } } }],
  },
}

t.test(`objects with wrong fields never stop the doctor (seed ${SEED})`, t => {
  const random = seededRandom(SEED)
  let services = 0
  for (let run = 0; run < RUNS; run++) {
    const pod = decodePod(mutateValue(POD, random))
    if (!pod.ips.every(ip => typeof ip === 'string') || typeof pod.name !== 'string') t.fail(JSON.stringify(pod))
    const service = mutateValue(makeApiService({ spec: { selector: { app: 'web' } } }), random)
    const spec = decodeSpec(service)
    if (spec !== undefined) services++
    for (const { targetPort } of spec?.ports ?? [])
      if (!['string', 'number'].includes(typeof targetPort)) t.fail(JSON.stringify(service))
    const slices = [mutateValue(makeApiSlice(), random)]
    viewObjects({ services: [service], slices, endpoints: [], nodes: [] }, 'node-a')
  }
  t.ok(services > RUNS / 2, `${services} Services of ${RUNS} can be read`)
  t.same(decodePod(POD), {
    ...{ namespace: 'b', name: 'a', labels: new Map([['app', 'a']]), nodeName: 'n', phase: 'Running' },
    ...{ ips: ['10.0.0.2', 'fd00::2'], isReady: false, isTerminating: true },
    why: 'container c waits: CrashLoopBackOff: m',
    ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
  })
  t.end()
})
