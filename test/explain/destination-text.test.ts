import t from 'tap'
import { parseDestination } from '../../lib/explain/destination-text.js'

t.test('a destination is an address with a port, or a Service', t => {
  const web = { kind: 'service', namespace: undefined, name: 'web', port: undefined, protocol: undefined }
  const address = { kind: 'address', address: '10.96.0.10', port: 80, protocol: undefined }
  const table: Readonly<Record<string, object>> = {
    '10.96.0.10:80': address,
    '10.96.0.10:80/udp': { ...address, protocol: 'UDP' },
    '10.96.0.10:80/TCP': { ...address, protocol: 'TCP' },
    '[fd00:96::a]:80': { ...address, address: 'fd00:96::a' },
    web,
    'web:80': { ...web, port: '80' },
    'web:http': { ...web, port: 'http' },
    'web:53/udp': { ...web, port: '53', protocol: 'UDP' },
    'shop/web': { ...web, namespace: 'shop' },
    'shop/web:80': { ...web, namespace: 'shop', port: '80' },
    'svc/web:80': { ...web, port: '80' },
    'service/shop/web:80/sctp': { ...web, namespace: 'shop', port: '80', protocol: 'SCTP' },
    'shop/udp': { ...web, namespace: 'shop', name: 'udp' },
    'shop/web/udp': { ...web, namespace: 'shop', protocol: 'UDP' },
  }
  for (const [text, expected] of Object.entries(table)) t.same(parseDestination(text), expected, text)
  for (const wrong of [
    '',
    '10.96.0.10',
    'fd00:96::a',
    '10.96.0.10:0',
    '10.96.0.10:70000',
    'a/b/c/d',
    'web:',
    ':80',
    'We b:80',
  ])
    t.equal(parseDestination(wrong), undefined, wrong)
  t.end()
})
