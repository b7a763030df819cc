import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ManifestFolder, makeSliceManifest, makeServiceManifest } from '../support/api/manifests.js'
import { NODE_IP, NetworkClient, NodeNetwork, namespacesUnavailable } from '../support/nodes/node-network.js'
import { ProxyProcess } from '../support/processes/proxy-process.js'
import { startWithFewFiles } from '../support/processes/start-with-few-files.js'

const BROKEN =
  'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  clusterIP: 10.96.0.10\n  ports:\n  - port: 80\n  - {name: b, port: 0}\n'
const CYCLE = 'apiVersion: v1\nkind: List\nitems: &i\n- {apiVersion: v1, kind: List, items: *i}\n'
const WEB = { clusterIP: '10.96.0.10', port: 80 }

t.test('bad input in a running program', { skip: namespacesUnavailable }, t => {
  t.test(
    'with --manifests-strict, invalid manifests at the start end the program with file, line and field',
    async t => {
      const network = await NodeNetwork.create(t)
      const folder = new ManifestFolder(t)
      writeFileSync(join(folder.path, 'web.yaml'), BROKEN)
      const proxy = new ProxyProcess(network, ['--manifests', folder.path, '--manifests-strict'])
      t.match(
        await proxy.waitForLine(/web\.yaml/),
        /web\.yaml:8: Service "web": spec\.ports\[1\]\.port: expected a port from 1 to 65535, found 0/,
      )
      t.equal(((await once(proxy.child, 'exit')) as [number])[0], 1)
      t.notMatch(proxy.lines.join('\n'), /Nothing else serves/, 'it has no clients')
      t.notMatch((await network.node.run('iptables-save', [])).stdout, /KUBE/)
    },
  )

  t.test('manifests with mistakes do not affect the others, and the program ends on SIGTERM', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const folder = new ManifestFolder(t)
    folder.write(makeServiceManifest('good', WEB), makeSliceManifest('good', [server.ip], 8080))
    writeFileSync(join(folder.path, 'a-wrong-field.yaml'), BROKEN)
    writeFileSync(join(folder.path, 'a-cycle.yaml'), CYCLE)
    execFileSync('mkfifo', [join(folder.path, 'a-fifo.yaml')])
    const proxy = new ProxyProcess(network, ['--manifests', folder.path])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    const client = new NetworkClient(network, network.node)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    for (const mistake of [
      /a-wrong-field\.yaml:8: Service \\"web\\": spec\.ports\[1\]\.port/,
      /a-cycle\.yaml:4: the anchor \\"i\\" contains an alias of itself/,
      /a-fifo\.yaml\\": it is a FIFO, expected a regular file/,
    ])
      t.equal(proxy.lines.filter(line => line.startsWith('E') && mistake.test(line)).length, 1, String(mistake))
    folder.write(
      makeServiceManifest('good', WEB),
      makeSliceManifest('good', [server.ip], 8080),
      makeServiceManifest('later', { clusterIP: '10.96.0.11', port: 80 }),
    )
    await proxy.waitForLine(/"Serving" servicePort="IPv4\/default\/later/)
    t.equal(await proxy.stop(), 0)
  })

  t.test('the first file of docs/manifests.md has no mistake, and serves', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const folder = new ManifestFolder(t)
    const [, example] = /```yaml\n(.*?)```/s.exec(readFileSync('docs/manifests.md', 'utf8'))!
    writeFileSync(join(folder.path, 'web.yaml'), example!.replace('192.0.2.7', server.ip))
    const proxy = new ProxyProcess(network, ['--manifests', join(folder.path, 'web.yaml'), '--manifests-strict'])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    t.equal(await new NetworkClient(network, network.node).tcp(WEB.clusterIP, WEB.port), 'a')
    t.same(
      proxy.lines.filter(line => /^E/.test(line)),
      [],
    )
    t.equal(await proxy.stop(), 0)
  })

  t.test('a hostile object from the API server affects neither valid objects nor the rules', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const api = network.start(network.node, process.execPath, [
      new URL('../support/api/api-server-entry.js', import.meta.url).pathname,
    ])
    const [url] = (await once(createInterface({ input: api.stdout! }), 'line')) as [string]
    const raw = (name: unknown, spec: unknown) => ['services', { metadata: { name, namespace: 'default' }, spec }]
    const put = [
      raw('x" -j ACCEPT\n-A INPUT -j DROP', { clusterIP: '10.96.0.66', ports: [{ port: 1 }] }),
      raw('ip', { clusterIP: '10.96.0.67 -j ACCEPT', ports: [{ port: 1 }] }),
      raw('null', { clusterIP: '10.96.0.68', ports: null }),
      raw('zero', {
        clusterIP: '10.96.0.69',
        ports: [{ port: 0 }, { port: 70000, name: 'b' }, { port: '80', name: 'c' }, { port: 81, name: 'good' }],
      }),
      raw('sctp', { clusterIP: '10.96.0.70', ports: [{ port: 132, protocol: 'SCTP' }] }),
      ['services', { metadata: { name: 'none' } }],
      ['services', makeServiceManifest('web', WEB)],
      [
        'endpointslices',
        makeSliceManifest(
          'web',
          [server.ip, '127.0.0.1', '169.254.169.254', '224.0.0.1', '0.0.0.0', 'no address'],
          8080,
        ),
      ],
    ]
    api.stdin!.write(`${JSON.stringify({ put })}\n`)
    const proxy = new ProxyProcess(network, ['--master', url])
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    const client = new NetworkClient(network, (await network.addPod()).namespace)
    for (let i = 0; i < 3; i++)
      t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a', 'only the valid address is an endpoint')
    for (const special of ['127.0.0.1', '169.254.169.254', '224.0.0.1', '0.0.0.0']) {
      t.ok(
        proxy.lines.some(line => line.startsWith('W') && line.includes(`${special}\\" is a`)),
        `${special} is refused with a warning`,
      )
    }
    t.equal(proxy.lines.filter(line => /SCTP is not served/.test(line)).length, 1)
    const { stdout } = await network.node.run('iptables-save', [])
    const ours = stdout.split('\n').filter(line => line.startsWith('-A KUBE-PORTALS-CONTAINER'))
    t.strictSame(
      ours.map(line => /-d (\S+)\/32 .*--dport (\d+)/.exec(line)?.slice(1)),
      [
        ['10.96.0.10', '80'],
        ['10.96.0.69', '81'],
      ],
    )
    t.notMatch(stdout, /-A INPUT -j|10\.96\.0\.6[678]/)
    t.equal(await proxy.stop(), 0)
  })

  t.test('a proxy port that another process holds is skipped', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const folder = new ManifestFolder(t)
    folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080))
    const holder = network.start(network.node, process.execPath, [
      '-e',
      `const net = require('net'); const hold = p => p < 41004 ? net.createServer().listen(p, '${NODE_IP}', () => hold(p + 1)) : console.log('held'); hold(41000)`,
    ])
    await once(holder.stdout!, 'data')
    const proxy = new ProxyProcess(network, ['--manifests', folder.path, '--proxy-port-range=41000-41004'])
    t.match(await proxy.waitForLine(/"Serving" /), /proxyPort=41004/)
    await proxy.waitForLine(/Synced rules" family="IPv4"/)
    const client = new NetworkClient(network, network.node)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a')
    folder.write(
      makeServiceManifest('web', WEB),
      makeSliceManifest('web', [server.ip], 8080),
      makeServiceManifest('two', { clusterIP: '10.96.0.11', port: 80 }),
    )
    t.match(await proxy.waitForLine(/PROXY_PORTS_EXHAUSTED|PROXY_PORT_UNAVAILABLE/), /default\/two/)
    t.equal(await client.tcp(WEB.clusterIP, WEB.port), 'a', 'the others are served')
    holder.kill('SIGKILL')
    await proxy.waitForLine(/"Serving" servicePort="IPv4\/default\/two/)
  })

  t.test('without free file descriptors the proxy stops accepting, does not exit, and recovers', async t => {
    const network = await NodeNetwork.create(t)
    const server = await network.addServer('a')
    const folder = new ManifestFolder(t)
    folder.write(makeServiceManifest('web', WEB), makeSliceManifest('web', [server.ip], 8080))
    const { child, log } = startWithFewFiles(network, folder, 256)
    await log.waitFor(/Synced rules/)
    const client = new NetworkClient(network, network.node)
    const hog = network.start(network.node, process.execPath, [
      '-e',
      `const net = require('net'); let ended = 0; const all = Array.from({ length: 300 }, () => net.connect(80, '10.96.0.10').on('error', () => 0).on('close', () => ended++ === 0 && console.log('shed')).on('connect', function () { this.write('echo\\n') })); process.stdin.on('data', () => process.exit())`,
    ])
    t.match(String((await once(hog.stdout!, 'data'))[0]), 'shed', 'the newest connections are rejected')
    t.equal(child.exitCode, null)
    hog.stdin!.write('go\n')
    await once(hog, 'exit').catch(() => undefined)
    let answer = ''
    for (let i = 0; i < 20 && answer !== 'a'; i++) answer = await client.tcp(WEB.clusterIP, WEB.port)
    t.equal(answer, 'a', 'it serves again')
    t.equal(child.exitCode, null, 'it never exited')
  })
  t.end()
})
