import t from 'tap'
import { type Endpoint } from '../../lib/model/endpoint.js'
import { type ServicePort } from '../../lib/model/service-port.js'
import { type ServedPort } from '../../lib/model/snapshot.js'
import { servicesHealth } from '../../lib/snapshot/services-health.js'
import { makeEndpoint } from '../support/model/make-endpoint.js'
import { makeServicePort } from '../support/model/make-service-port.js'

const endpoint = (ip: string, given: Partial<Endpoint> = {}) => makeEndpoint(ip, { isLocal: true, ...given })
const served = (given: Partial<Omit<ServicePort, 'key'>>, ...endpoints: Endpoint[]): ServedPort => ({
  servicePort: makeServicePort(given),
  endpoints,
  usable: { cluster: [], local: [], hasAny: false },
})
const healthOf = (...ports: ServedPort[]) =>
  servicesHealth({ generation: 1, ports: new Map(ports.map(port => [port.servicePort.key, port])) }).map(
    ({ namespace, name, port, localEndpoints }) => `${namespace}/${name} ${port}: ${localEndpoints}`,
  )
const PORT = { healthCheckNodePort: 32000 }

t.test('each Service with a health check port has the number of its ready endpoints on this node', t => {
  const table: readonly (readonly [name: string, ports: readonly ServedPort[], expected: readonly string[]])[] = [
    ['nothing', [], []],
    ['a Service without such a port', [served({}, endpoint('10.244.0.5'))], []],
    ['no endpoint', [served(PORT)], ['default/web 32000: 0']],
    [
      'endpoints here, elsewhere, not ready, terminating',
      [
        served(
          PORT,
          endpoint('10.244.0.5'),
          endpoint('10.244.0.6'),
          endpoint('10.244.1.7', { isLocal: false }),
          endpoint('10.244.0.8', { ready: false }),
          endpoint('10.244.0.9', { ready: false, terminating: true }),
        ),
      ],
      ['default/web 32000: 2'],
    ],
    [
      'one Pod behind two ports of the Service',
      [
        served({ ...PORT, portName: 'http' }, endpoint('10.244.0.5')),
        served({ ...PORT, portName: 'https' }, endpoint('10.244.0.5', { port: 8443 }), endpoint('10.244.0.6')),
      ],
      ['default/web 32000: 2'],
    ],
    [
      'Pods with an address of each family',
      [
        served(PORT, endpoint('10.244.0.5'), endpoint('10.244.0.6')),
        served({ ...PORT, family: 'IPv6' }, endpoint('fd00::5'), endpoint('fd00::6'), endpoint('fd00::7')),
      ],
      ['default/web 32000: 3'],
    ],
    [
      'two Services',
      [served(PORT, endpoint('10.244.0.5')), served({ name: 'api', healthCheckNodePort: 32001 })],
      ['default/web 32000: 1', 'default/api 32001: 0'],
    ],
  ]
  for (const [name, ports, expected] of table) t.strictSame(healthOf(...ports), expected, name)
  t.end()
})
