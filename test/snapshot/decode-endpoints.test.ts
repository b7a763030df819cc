import t from 'tap'
import { decodeEndpoints } from '../../lib/snapshot/decode-endpoints.js'
import { makeApiEndpoints } from '../support/api/api-objects.js'

void t.test('an Endpoints object gives one slice for each subset and family', t => {
  const { object, problems } = decodeEndpoints(
    makeApiEndpoints({
      subsets: [
        {
          addresses: [{ ip: '10.244.0.5', nodeName: 'node-a' }, { ip: 'fd00::5' }],
          notReadyAddresses: [{ ip: '10.244.0.6' }],
          ports: [
            { name: 'http', port: 8080 },
            { name: 'dns', port: 53, protocol: 'UDP' },
          ],
        },
        { addresses: null, ports: null },
        {
          addresses: [{ ip: '' }, { ip: '127.0.0.1' }],
          ports: [{ port: 70_000 }, { port: 1, protocol: 'QUIC' }, { port: 0 }],
        },
      ],
    }),
  )
  const yes = { ready: true, serving: true, terminating: false, zoneHints: [], nodeHints: [] }
  const ports = [
    { name: 'http', protocol: 'TCP', port: 8080 },
    { name: 'dns', protocol: 'UDP', port: 53 },
  ]
  t.match(object, [
    { serviceName: 'web', family: 'IPv4', ports, endpoints: [{ ip: '10.244.0.5', nodeName: 'node-a', ...yes }] },
    { serviceName: 'web', family: 'IPv6', ports, endpoints: [{ ip: 'fd00::5', nodeName: '', ...yes }] },
  ])
  t.equal(object?.length, 3)
  t.match(object?.[2], {
    family: 'IPv4',
    endpoints: [],
    refused: [
      { address: '""', why: 'not an IP address' },
      { address: '127.0.0.1', why: 'a loopback address, which may not be an endpoint' },
    ],
  })
  t.same(problems, [
    'subsets[2].ports[0].port: expected a port from 1 to 65535, found 70000',
    'subsets[2].ports[1].protocol: "QUIC" is none of TCP, UDP, SCTP',
    'subsets[2].ports[2].port: expected a port from 1 to 65535, found 0',
    'subsets[2].addresses[0].ip: "" is not an IP address: endpoint ignored',
    'subsets[2].addresses[1].ip: "127.0.0.1" is a loopback address, which may not be an endpoint: endpoint refused',
  ])
  t.end()
})
