import t from 'tap'
import { decodeService } from '../../lib/snapshot/decode-service.js'
import { ignoredReason, servicePorts } from '../../lib/snapshot/service-ports.js'
import { makeApiService } from '../support/api/api-objects.js'

void t.test('an ignored Service has a reason in words', t => {
  const table: readonly (readonly [name: string, raw: unknown, reason: string | undefined])[] = [
    ['an ordinary one', makeApiService(), undefined],
    ['one with other labels', makeApiService({ labels: { 'service.kubernetes.io/other': '' } }), undefined],
    [
      'of another proxy',
      makeApiService({ labels: { 'service.kubernetes.io/service-proxy-name': '' } }),
      'another proxy serves it (label service.kubernetes.io/service-proxy-name)',
    ],
    [
      'headless by its label',
      makeApiService({ labels: { 'service.kubernetes.io/headless': 'no' } }),
      'it is headless (label service.kubernetes.io/headless)',
    ],
    ['ExternalName', makeApiService({ spec: { type: 'ExternalName' } }), 'its type is ExternalName'],
    ['headless', makeApiService({ clusterIP: 'None' }), 'it is headless (clusterIP "None")'],
    [
      'headless, with a cluster IP in another field',
      makeApiService({ clusterIP: 'None', spec: { clusterIPs: ['10.96.0.10'] } }),
      'it is headless (clusterIP "None")',
    ],
    ['without cluster IP', makeApiService({ clusterIP: '' }), 'it has no cluster IP'],
    ['with one that is none', makeApiService({ clusterIP: 'x' }), 'it has no cluster IP'],
  ]
  for (const [name, raw, reason] of table) {
    const service = decodeService(raw).object!
    t.equal(ignoredReason(service), reason, name)
    t.equal(servicePorts(service, 'IPv4', false).length, reason === undefined ? 1 : 0, name)
  }
  t.end()
})
