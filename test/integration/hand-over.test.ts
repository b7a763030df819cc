import { once } from 'node:events'
import t from 'tap'
import { waitUntil } from '../support/dataplane/plane-under-test.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'
import { SteadyProbes } from '../support/nodes/steady-probes.js'
import {
  FOREIGN_CHANGE,
  GIVING_WAY,
  HAS_GIVEN_WAY,
  SERVING_AGAIN,
  STANDING_BY,
  countLines,
} from '../support/processes/hand-over-lines.js'
import { HeldProgram } from '../support/processes/held-program.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'
import { skipUnlessMode } from '../support/processes/proxy-mode.js'

const FLAGS = ['--on-exit=auto', '--iptables-min-sync-period=50ms']

const skip = namespacesUnavailable || skipUnlessMode(['userspace'], 'the tests choose the modes')

t.test('a surge update: the first one ends after the second one has taken over', { skip }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const first = await node.start()
  const early = await node.connect()
  const loads = await node.startLoads()
  const probes = new SteadyProbes(node.network)
  const second = await node.start()
  await waitUntil(async () => (await node.gauge('kubeproxy_standby_proxies')) === 1, 'the second one counts the first')
  const stopped = first.stop()
  t.equal(await early.send('still here'), 'still here')
  const late = await node.connect()
  early.end()
  t.equal(await stopped, 0, 'it ends with its last connection')
  t.equal(await late.send('through the second'), 'through the second')
  t.strictSame(await node.probe(), [200, 200, 200])
  t.equal(await node.gauge('kubeproxy_standby_proxies'), 0)
  await node.checkLoads(t, loads)
  const answers = await probes.stop()
  // For a moment, the ports belong to neither.
  for (const [path, { 200: healthy = 0, ECONNREFUSED, UND_ERR_SOCKET, ECONNRESET, ...others }] of Object.entries(
    answers,
  )) {
    t.ok(healthy > 0, `${path}: ${healthy} times 200`)
    t.strictSame(others, {}, `${path} is never 503`)
    t.ok((ECONNREFUSED ?? 0) + (UND_ERR_SOCKET ?? 0) + (ECONNRESET ?? 0) < healthy, path)
  }
  t.equal(countLines(first, /The kernel serves|serving again/), 0)
  t.strictSame(
    [GIVING_WAY, STANDING_BY].map(line => countLines(first, line)),
    [1, 1],
    'one line each',
  )
  t.equal(countLines(second, HAS_GIVEN_WAY), 1)
  late.end()
  t.equal(await second.stop(), 0)
  t.match(await node.client.tcp(node.web.clusterIP, node.web.port), /^[ab]$/)
})

t.test(
  'the first one gets SIGTERM while the second one takes over: it serves until the second one does',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const { client, web } = node
    const restore = new HeldProgram(t, await node.restoreProgram(), 'KUBE-PORTALS')
    const first = await node.start()
    const loads = await node.startLoads()
    const second = node.launch([], restore.env)
    await second.waitForLine(HAS_GIVEN_WAY)
    t.strictSame(await node.probe(), [200, 200, 200], 'the first one serves, and replies to probes')
    const stopped = first.stop()
    await first.waitForLine(/"Signal received"/)
    for (let i = 0; i < 4; i++) t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    restore.release()
    await second.waitForLine(node.synced)
    await first.waitForLine(STANDING_BY)
    t.equal(await stopped, 0)
    t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    await node.checkLoads(t, loads)
    t.equal(await second.stop(), 0)
  },
)

t.test('the second one starts while the first one drains', { skip }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const first = await node.start()
  const early = await node.connect()
  const loads = await node.startLoads()
  const stopped = first.stop()
  await first.waitForLine(/"Draining/)
  t.strictSame(await node.probe(), [503, 503, 200])
  const second = await node.start()
  await waitUntil(async () => (await node.probe()).every(status => status === 200), 'the second one replies to probes')
  t.equal(await early.send('still here'), 'still here')
  early.end()
  t.equal(await stopped, 0)
  await node.checkLoads(t, loads)
  t.equal(await second.stop(), 0)
})

t.test('a copy that was killed is followed by the one it had taken over from', { skip }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { client, web } = node
  const first = await node.start()
  const second = await node.start()
  const from = first.lines.length
  await node.kill(second)
  await first.waitForLine(node.synced, from)
  t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
  t.match(await client.tcp(node.nodeIP, web.nodePort), /^[ab]$/)
  t.equal(await first.stop(), 0)
})

t.test('three copies', { skip }, async t => {
  await t.test('when the second one ends, the first one stands by until the third one ends', async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const { client, web } = node
    const first = await node.start()
    const early = await node.connect()
    const loads = await node.startLoads()
    const second = await node.start()
    const middle = await node.connect()
    const third = await node.start()
    middle.end()
    t.equal(await second.stop(), 0)
    await waitUntil(async () => (await node.gauge('kubeproxy_standby_proxies')) === 1, 'the first one stands by')
    t.equal(await early.send('still here'), 'still here')
    t.equal(countLines(first, SERVING_AGAIN), 0)
    t.equal(countLines(third, GIVING_WAY), 0)
    const from = first.lines.length
    t.equal(await third.stop(), 0)
    await first.waitForLine(SERVING_AGAIN, from)
    await first.waitForLine(node.synced, from)
    t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    await node.checkLoads(t, loads)
    early.end()
    t.equal(await first.stop(), 0)
  })

  await t.test('when the third one ends, the second one serves again, and the first one stands by', async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const first = await node.start()
    const loads = await node.startLoads()
    const second = await node.start()
    const third = await node.start()
    const from = second.lines.length
    t.equal(await third.stop(), 0)
    await second.waitForLine(SERVING_AGAIN, from)
    await second.waitForLine(node.synced, from)
    await waitUntil(async () => (await node.gauge('kubeproxy_standby_proxies')) === 1, 'the first one stands by')
    t.equal(countLines(first, SERVING_AGAIN), 0)
    t.equal(await first.stop(), 0)
    await node.checkLoads(t, loads)
    t.equal(await second.stop(), 0)
  })

  await t.test('the third one takes over from the second one before that one serves', async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const { client, web } = node
    const restore = new HeldProgram(t, await node.restoreProgram(), 'KUBE-PORTALS')
    const first = await node.start()
    const early = await node.connect()
    const loads = await node.startLoads()
    const second = node.launch([], restore.env)
    await second.waitForLine(HAS_GIVEN_WAY)
    const third = await node.start()
    await first.waitForLine(STANDING_BY)
    t.equal(countLines(second, GIVING_WAY), 1)
    for (let i = 0; i < 4; i++) t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    t.equal(await early.send('still here'), 'still here')
    t.equal(await second.stop(), 0, second.lines.join('\n'))
    t.equal(countLines(first, SERVING_AGAIN), 0)
    early.end()
    t.equal(await first.stop(), 0, first.lines.join('\n'))
    t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    await node.checkLoads(t, loads)
    t.equal(await third.stop(), 0)
  })

  await t.test('all of them start at the same moment: one serves', async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const copies = [node.launch(), node.launch(), node.launch()]
    await waitUntil(() => copies.filter(copy => countLines(copy, GIVING_WAY) > 0).length === 2, 'two have given way')
    const serving = copies.find(copy => countLines(copy, GIVING_WAY) === 0)!
    await serving.waitForLine(node.synced)
    const loads = await node.startLoads()
    for (const copy of copies.filter(copy => copy !== serving)) t.equal(await copy.stop(), 0)
    t.equal(countLines(serving, GIVING_WAY), 0)
    await node.checkLoads(t, loads)
    t.equal(await serving.stop(), 0)
  })
})

t.test(
  'a first one that does not reply is not waited for, and gives way as soon as it runs again',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const { client, web } = node
    const first = await node.start()
    const early = await node.connect()
    const loads = await node.startLoads()
    first.child.kill('SIGSTOP')
    // With a line for each check of the rules.
    const second = await node.start(['-v=4'])
    t.equal(countLines(second, /^W.*"Another kube-proxy seems to serve this node.* reason="It does not reply"/), 1)
    for (let i = 0; i < 4; i++) t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    first.child.kill('SIGCONT')
    await second.waitForLine(HAS_GIVEN_WAY)
    await first.waitForLine(STANDING_BY)
    for (let check = 0, last = second.lines.length; check < 2; check++, last = second.lines.length)
      await second.waitForLine(node.synced, last)
    t.equal(await early.send('still here'), 'still here')
    await second.waitForLine(/"Serving healthz over HTTP"/)
    t.strictSame(await node.probe(), [200, 200, 200])
    const [changesOfFirst, changesOfSecond] = [first, second].map(proxy => countLines(proxy, FOREIGN_CHANGE))
    for (let check = 0, last = second.lines.length; check < 2; check++, last = second.lines.length)
      await second.waitForLine(node.synced, last)
    t.strictSame(
      [first, second].map(proxy => countLines(proxy, FOREIGN_CHANGE)),
      [changesOfFirst, changesOfSecond],
      'one of them writes rules',
    )
    await node.checkLoads(t, loads)
    early.end()
    t.equal(await first.stop(), 0)
    t.equal(await second.stop(), 0)
  },
)

/** Connects to the proxy again and again, sends each demand without a proof, and prints the last reply. */
const UNPROVEN_CLIENT = `const { connect } = require('net')
  const address = '\\0kube-proxy-node/hand-over'
  for (let i = 0; i < 100; i++) connect(address).on('error', () => {}).resume()
  for (const text of ['take over', 'x'.repeat(5000), 'serving\\n'.repeat(50)])
    connect(address, function () { this.write(text) }).on('error', () => {}).resume()
  const ask = demand => new Promise(resolve => {
    let all = ''
    connect(address, function () { this.write(demand + '\\n') })
      .on('data', data => (all += data)).on('error', () => {}).on('close', () => resolve(all))
  })
  Promise.all(['take over', 'stand by', 'wait'].map(ask)).then(all => process.stdout.write(all.join('')))`

t.test('a process that may not write rules can neither take over nor stand by', { skip }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const first = await node.start()
  const { node: place } = node.network
  const unproven = node.network.start(place, 'setpriv', [
    ...['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', UNPROVEN_CLIENT],
  ])
  let replies = ''
  unproven.stdout!.on('data', chunk => (replies += String(chunk)))
  await waitUntil(() => replies.split('refused').length === 4, 'each demand is refused')
  t.match(replies, /^(show [0-9a-f]{6}\nrefused\n){3}$/)
  t.equal(countLines(first, GIVING_WAY), 0)
  t.equal(unproven.exitCode, null, 'its connections are still open')
  const second = await node.start()
  t.equal(countLines(second, HAS_GIVEN_WAY), 1, 'they do not keep a proxy from taking over')
  t.equal(await first.stop(), 0)
  t.equal(await second.stop(), 0)
})

/** Has the name of a proxy, and agrees to everything. */
const IMPOSTOR = `require('net').createServer(socket => {
    socket.on('error', () => {}).on('data', () => socket.write('yes 01234567\\n'))
    socket.write('show 012345\\n')
  }).listen('\\0kube-proxy-node/hand-over', () => console.log('listening'))`

t.test(
  'a process that has the name of a proxy, and may not write rules, only delays the next one',
  { skip },
  async t => {
    const node = await ServiceNode.create(t, FLAGS)
    const { client, web } = node
    const impostor = node.network.start(node.network.node, 'setpriv', [
      ...['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', IMPOSTOR],
    ])
    await once(impostor.stdout!, 'data')
    const proxy = await node.start()
    t.equal(countLines(proxy, /seems to serve this node.* reason="The process that has its name does not show/), 1)
    t.equal(countLines(proxy, HAS_GIVEN_WAY), 0)
    await proxy.waitForLine(/"Serving healthz over HTTP"/)
    t.strictSame(await node.probe(), [200, 200, 200])
    t.match(await client.tcp(web.clusterIP, web.port), /^[ab]$/)
    t.notMatch((await node.network.node.run('iptables-save', ['-t', 'mangle'])).stdout, /KUBE-HANDOVER/)
    t.equal(await proxy.stop(), 0)
  },
)

t.test('a chain that a killed process left is removed by the next proxy, and by a cleanup', { skip }, async t => {
  const node = await ServiceNode.create(t, FLAGS)
  const { node: place } = node.network
  const leave = () => place.run('iptables', ['-t', 'mangle', '-N', 'KUBE-HANDOVER-0123456789abcd'])
  const chains = async () =>
    (await place.run('iptables-save', ['-t', 'mangle'])).stdout.split('KUBE-HANDOVER').length - 1
  await leave()
  const proxy = await node.start()
  await waitUntil(async () => (await chains()) === 0, 'the next proxy removes it')
  t.equal(await proxy.stop(), 0)
  await leave()
  t.equal(await chains(), 1)
  await place.run(process.execPath, [PROXY_PROGRAM, '--cleanup'])
  t.equal(await chains(), 0)
})
