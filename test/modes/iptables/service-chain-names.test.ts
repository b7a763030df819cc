import t from 'tap'
import { endpointChainName, serviceChainNames } from '../../../lib/modes/iptables/service-chain-names.js'
import { makeServicePort } from '../../support/model/make-service-port.js'

void t.test('Chains have the same names as in kube-proxy', t => {
  const port = (namespace: string, name: string, portName: string, protocol: 'TCP' | 'UDP') =>
    makeServicePort({ namespace, name, portName, protocol })
  for (const [servicePort, hash] of [
    [port('ns1', 'svc1', '', 'TCP'), 'AQI2S6QIMU7PVVRP'],
    [port('ns1', 'svc1', 'p80', 'TCP'), 'XPGD46QRK7WJZT7O'],
    [port('default', 'kubernetes', 'https', 'TCP'), 'NPX46M4PTMTKRN6Y'],
    [port('kube-system', 'kube-dns', 'dns', 'UDP'), 'TCOU7JCQXEZGVUNU'],
  ] as const)
    t.strictSame(serviceChainNames(servicePort), {
      cluster: `KUBE-SVC-${hash}`,
      local: `KUBE-SVL-${hash}`,
      external: `KUBE-EXT-${hash}`,
      firewall: `KUBE-FW-${hash}`,
    })
  const svc1 = port('ns1', 'svc1', '', 'TCP')
  t.equal(endpointChainName(svc1, { ip: '10.0.1.1', port: 80 }), 'KUBE-SEP-3JOIVZTXZZRGORX4')
  t.end()
})
