import t from 'tap'
import { ProxyFailure } from '../../../lib/model/failure.js'
import { countLoopbackListeners } from '../../../lib/modes/userspace/node-port-listeners.js'
import { makeListenerSpec } from '../../support/dataplane/plane-under-test.js'

const ENDPOINTS = [{ ip: '10.244.0.5', port: 8080 }]

t.test(
  'listeners that hold a node port and have endpoints serve it on loopback: open and failed ones are counted',
  t => {
    const nodePort = (key: string, address: string, given: object = {}) =>
      makeListenerSpec({ key, address, holdsNodePort: true, endpoints: ENDPOINTS, ...given })
    const specs = [
      nodePort('all', '0.0.0.0'),
      nodePort('loopback', '127.0.0.1'),
      nodePort('taken', '127.0.0.1'),
      nodePort('six', '::1'),
      nodePort('only held', '192.168.50.1', { endpoints: [] }),
      makeListenerSpec({ key: 'proxy port', address: '192.168.50.1', endpoints: ENDPOINTS }),
    ]
    const plan = new Map(specs.map(spec => [spec.key, spec]))
    const open = new Map(specs.filter(({ key }) => key !== 'taken').map(({ key }) => [key, 30080]))
    const failed = new Map([['taken', new ProxyFailure('PROXY_PORT_UNAVAILABLE', 'taken')]])
    t.strictSame(countLoopbackListeners(plan, { open, failed }, 'IPv4'), { open: 2, failed: 1 })
    t.strictSame(countLoopbackListeners(plan, { open, failed }, 'IPv6'), { open: 1, failed: 0 })
    t.end()
  },
)
