import { once } from 'node:events'
import t, { type Test } from 'tap'
import { NodeProcess } from '../support/nodes/node-process.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'

const NODE_NAME = 'this-node'
const HEALTH_PORT = 32100

const node = (labels: object = {}, address = NODE_IP) => ({
  metadata: { name: NODE_NAME, labels },
  spec: { podCIDRs: ['10.244.0.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address }] },
})
const zone = (name: string) => ({ 'topology.kubernetes.io/zone': name })

const loadBalancer = (name: string, clusterIP: string, spec: object = {}) => ({
  metadata: { name, namespace: 'default', uid: `uid-of-${name}` },
  spec: {
    type: 'LoadBalancer',
    clusterIP,
    clusterIPs: [clusterIP],
    ports: [{ port: 80 }],
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: HEALTH_PORT,
    ...spec,
  },
})

const slice = (name: string, endpoints: readonly object[]) => ({
  metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080 }],
  endpoints,
})
const endpoint = (ip: string, more: object = {}) => ({ addresses: [ip], nodeName: NODE_NAME, ...more })

async function setUp(t: Test) {
  const network = await NodeNetwork.create(t)
  const api = new NodeProcess(network, 'api/api-server-entry')
  const url = await api.readLine()
  const put = (...objects: readonly (readonly [string, object])[]) => api.sendCommand({ put: objects })
  const start = (...args: readonly string[]) =>
    new ProxyProcess(network, ['--master', url, '--hostname-override', NODE_NAME, ...args])
  return { network, api, put, start }
}

t.test('the Node object and health check ports', { skip: namespacesUnavailable, timeout: 120_000 }, async t => {
  await t.test('the proxy waits for the Node, and uses its zone from the first sync and after each change', async t => {
    const { network, put, start } = await setUp(t)
    const here = await network.addServer('here')
    const there = await network.addServer('there')
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    await put(
      ['services', loadBalancer('web', '10.96.0.10', { externalTrafficPolicy: 'Cluster' })],
      [
        'endpointslices',
        slice('web', [
          endpoint(here.ip, { hints: { forZones: [{ name: 'a' }] } }),
          endpoint(there.ip, { hints: { forZones: [{ name: 'b' }] } }),
        ]),
      ],
    )
    const proxy = start()
    t.match(
      await proxy.waitForLine(/Waiting for the Node of this machine/),
      /reason="the API server does not return it"/,
    )
    await put(['nodes', node(zone('a'))])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    t.notOk(
      proxy.lines.some(line => line.includes('Serving without')),
      'it came in time',
    )
    t.strictSame([await client.tcp('10.96.0.10', 80), await client.tcp('10.96.0.10', 80)], ['here', 'here'])
    let from = proxy.lines.length
    await put(['nodes', node(zone('b'))])
    await proxy.waitForLine(/"Listener updated" servicePort="IPv4\/default\/web/, from)
    t.strictSame([await client.tcp('10.96.0.10', 80), await client.tcp('10.96.0.10', 80)], ['there', 'there'])

    await t.test('a changed node address is used without a restart', async t => {
      await network.node.configure('address add 192.168.50.7/24 dev eth0')
      from = proxy.lines.length
      await put(['nodes', node(zone('b'), '192.168.50.7')])
      await proxy.waitForLine(/Synced rules" family="IPv4" changed=true/, from)
      const { stdout } = await network.node.run('iptables-save', ['-t', 'nat'])
      t.match(stdout, /default\/web.*--to-destination 192\.168\.50\.7:/)
      t.notMatch(stdout, /--to-destination 192\.168\.50\.1:/)
      t.equal(await client.tcp('10.96.0.10', 80), 'there')
    })
    t.equal(await proxy.stop(), 0)
  })

  await t.test('a Node that cannot be read does not stop the proxy; a deleted Node ends it', async t => {
    const { network, api, put, start } = await setUp(t)
    const here = await network.addServer('here')
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    await put(
      ['services', loadBalancer('web', '10.96.0.10')],
      ['endpointslices', slice('web', [endpoint(here.ip)])],
      ['nodes', node()],
    )
    const known = start()
    await known.waitForLine(/Synced rules" family="IPv4"/)
    const ended = once(known.child, 'exit')
    await api.sendCommand({ remove: [['nodes', NODE_NAME]] })
    await known.waitForLine(/Node "this-node" of this machine was deleted from the cluster/)
    await known.waitForLine(/NODE_GONE/)
    t.strictSame(await ended, [1, null])

    await api.sendCommand({ forbid: ['nodes'] })
    const unknown = start()
    t.match(await unknown.waitForLine(/Serving without the Node of this machine/), /--hostname-override/)
    await unknown.waitForLine(/Synced rules" family="IPv4"/)
    t.equal(await client.tcp('10.96.0.10', 80), 'here')
    t.equal(await unknown.stop(), 0)
  })

  await t.test(
    'the health check port reports the number of local endpoints, and opens and closes with its Service',
    async t => {
      const { network, put, api, start } = await setUp(t)
      const here = await network.addServer('here')
      const outside = await network.addHost()
      /** Status, weight and body, or the error. */
      const ask = async (port = HEALTH_PORT) => {
        const program = `
        require('http').get('http://${NODE_IP}:${port}/any/path', answer => {
          let body = ''
          answer.setEncoding('utf8').on('data', text => (body += text))
          answer.on('end', () => console.log(JSON.stringify([answer.statusCode, answer.headers['x-load-balancing-endpoint-weight'], body])))
        }).on('error', error => console.log(JSON.stringify(error.code)))`
        const { stdout } = await outside.namespace.run(process.execPath, ['-e', program])
        return JSON.parse(stdout) as unknown
      }
      const body = (localEndpoints: number) =>
        `{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": ${localEndpoints},\n\t"serviceProxyHealthy": true\n}`
      await put(
        ['nodes', node()],
        ['services', loadBalancer('web', '10.96.0.10')],
        ['endpointslices', slice('web', [endpoint(here.ip), endpoint('10.244.9.9', { nodeName: 'another' })])],
      )
      const proxy = start()
      await proxy.waitForLine(/Opened the health check port/)
      await proxy.waitForLine(/Synced rules" family="IPv4"/)
      t.strictSame(await ask(), [200, '1', body(1)])
      let from = proxy.lines.length
      await put(['endpointslices', slice('web', [endpoint('10.244.9.9', { nodeName: 'another' })])])
      await proxy.waitForLine(/"Listener updated" servicePort/, from)
      t.strictSame(await ask(), [503, '0', body(0)])
      from = proxy.lines.length
      await put(['services', loadBalancer('web', '10.96.0.10', { externalTrafficPolicy: 'Cluster' })])
      await proxy.waitForLine(/Closed the health check port/, from)
      t.equal(await ask(), 'ECONNREFUSED')

      await t.test('a port that another process holds causes an event, and is opened when it is free', async t => {
        const holder = network.start(network.node, process.execPath, [
          '-e',
          `require('net').createServer().listen(${HEALTH_PORT}, () => console.log('held'))`,
        ])
        await once(holder.stdout!, 'data')
        await put(['services', loadBalancer('web', '10.96.0.10')])
        const { object } = JSON.parse(await api.sendCommand({ event: 'FailedToStartServiceHealthcheck' })) as {
          object: { note: string; regarding: object; reportingController: string }
        }
        t.match(object.note, `node ${NODE_NAME} failed to start healthcheck "default/web" on port ${HEALTH_PORT}: `)
        t.match(object.regarding, { kind: 'Service', namespace: 'default', name: 'web', uid: 'uid-of-web' })
        from = proxy.lines.length
        holder.kill('SIGKILL')
        await proxy.waitForLine(/Opened the health check port/, from)
        t.strictSame(await ask(), [503, '0', body(0)])
      })
      t.equal(await proxy.stop(), 0)
    },
  )

  await t.test('problems that an operator must know are events on the Service', async t => {
    const { network, put, api, start } = await setUp(t)
    await network.addServer('here')
    const outside = { type: 'ClusterIP', externalTrafficPolicy: undefined, healthCheckNodePort: undefined }
    await put(
      ['nodes', node()],
      ['services', loadBalancer('first', '10.96.0.10', { ...outside, externalIPs: ['203.0.113.7'] })],
      ['services', loadBalancer('second', '10.96.0.11', { ...outside, externalIPs: ['203.0.113.7'] })],
      ['services', loadBalancer('v6', '10.96.0.12', { ...outside, externalIPs: ['fd00::7'] })],
      ['services', loadBalancer('sctp', '10.96.0.13', { ...outside, ports: [{ port: 132, protocol: 'SCTP' }] })],
    )
    const holder = network.start(network.node, process.execPath, [
      '-e',
      `require('net').createServer().listen(10256, () => console.log('held'))`,
    ])
    await once(holder.stdout!, 'data')
    const proxy = start()
    for (const [reason, kind, name, note] of [
      ['Starting', 'Node', NODE_NAME, /^$/],
      ['FailedToStartProxierHealthcheck', 'Node', NODE_NAME, /10256/],
      ['PortAlreadyAllocated', 'Service', 'second', /external IP 203\.0\.113\.7:80\/TCP to default\/first/],
      ['KubeProxyIncorrectIPVersion', 'Service', 'v6', /"fd00::7" is IPv6/],
      ['ProtocolNotSupported', 'Service', 'sctp', /SCTP/],
    ] as const) {
      const { object } = JSON.parse(await api.sendCommand({ event: reason })) as {
        object: { note?: string; regarding: { kind: string; name: string } }
      }
      t.match(object.regarding, { kind, name }, reason)
      t.match(object.note ?? '', note, reason)
    }
    t.equal(await proxy.stop(), 0)
  })
})
