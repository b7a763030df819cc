import t from 'tap'
import { objectKey } from '../../lib/model/objects.js'
import { servicePortKey, servicePortName } from '../../lib/model/service-port.js'

void t.test('keys differ when family, name, port name or protocol differ', t => {
  const port = { family: 'IPv4', namespace: 'default', name: 'web', portName: 'http', protocol: 'TCP' } as const
  const others = [
    port,
    { ...port, family: 'IPv6' as const },
    { ...port, namespace: 'other' },
    { ...port, name: 'web2' },
    { ...port, portName: '' },
    { ...port, protocol: 'UDP' as const },
  ]
  t.equal(new Set(others.map(servicePortKey)).size, others.length)
  t.equal(servicePortName(port), 'default/web:http')
  t.equal(servicePortName({ ...port, portName: '' }), 'default/web')
  t.equal(objectKey(port), 'default/web')
  t.end()
})
