import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { type Test } from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { type FaultMeasurement } from '../support/faults/fault-measurement.js'
import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ServiceNode } from '../support/nodes/service-node.js'

const testFault = faultsOf('Very many clients')
const skip = namespacesUnavailable

const TCP = { clusterIP: '10.96.0.30', port: 80 }
const UDP = { clusterIP: '10.96.0.31', port: 53, protocol: 'UDP' } as const
const SILENT_CLIENTS = 10_000
const SILENT_MS = 5000
/** 20,000 open files are a usual limit of a process, and each client takes two of a worker. */
const WORKERS = 2
const SOURCE_ADDRESSES = 4
const SOURCES = 100_000

/** Connects, and sends nothing until standard input ends. Prints how many are open at first, and how many are lost at the end. */
const SILENT_PROGRAM = `
let [started, open, lost] = [0, 0, 0]
const next = () => {
  if (started === ${SILENT_CLIENTS}) return
  started++
  let isOpen = false
  const decide = () => { next(); if (open + lost === ${SILENT_CLIENTS}) console.log(open) }
  require('net').connect(${TCP.port}, '${TCP.clusterIP}', () => { isOpen = true; open++; decide() })
    .on('error', () => undefined)
    .on('close', () => { lost++; if (isOpen) open--; else decide() })
}
for (let n = 0; n < 200; n++) next()
process.stdin.resume().on('end', () => { console.log(lost); process.exit() })`

/** Sends a datagram from each source, with 200 waiting for their answer, and prints how many got none in two seconds. */
const SOURCES_PROGRAM = `
const { createSocket } = require('dgram')
let [started, ended, lost] = [0, 0, 0]
const next = () => {
  if (started === ${SOURCES}) return
  const n = started++
  const socket = createSocket('udp4')
  const end = isLost => {
    clearTimeout(timer)
    socket.close()
    if (isLost) lost++
    if (++ended === ${SOURCES}) console.log(lost)
    next()
  }
  const timer = setTimeout(end, 2000, true)
  socket.once('message', () => end(false)).once('error', () => end(true))
  socket.bind(20000 + Math.floor(n / ${SOURCE_ADDRESSES}), '10.244.0.' + (200 + n % ${SOURCE_ADDRESSES}))
  socket.send('hello', ${UDP.port}, '${UDP.clusterIP}')
}
for (let n = 0; n < 200; n++) next()`

async function setUp(t: Test) {
  const node = await ServiceNode.create(t, ['--proxy-mode=userspace', `--data-plane-workers=${WORKERS}`])
  const { network } = node
  const [pod, clients] = [await network.addServer('c'), await network.addPod()]
  node.write(
    node.ips,
    makeServiceManifest('tcp', TCP),
    makeSliceManifest('tcp', [pod.ip], 8080),
    makeServiceManifest('udp', UDP),
    makeSliceManifest('udp', [pod.ip], 5353, 'UDP'),
  )
  return { node, network, clients: clients.namespace, proxy: await node.start() }
}

testFault(
  {
    fault: '10,000 clients of another Service connect and send nothing (two workers)',
    promise: 'All Services are served. The silent clients stay connected.',
    skip,
  },
  async (t: Test, fault: FaultMeasurement) => {
    const { node, network, clients, proxy } = await setUp(t)
    const traffic = await node.startTraffic()
    fault.start()
    const load = network.start(clients, process.execPath, ['-e', SILENT_PROGRAM])
    load.stderr!.pipe(process.stderr)
    const lines = createInterface({ input: load.stdout! })
    const [open] = (await once(lines, 'line')) as [string]
    t.equal(Number(open), SILENT_CLIENTS)
    await delay(SILENT_MS)
    const lost = once(lines, 'line') as Promise<[string]>
    load.stdin!.end()
    fault.checkLoss(Number((await lost)[0]), SILENT_CLIENTS, 'silent clients')
    await fault.checkTraffic(traffic)
    t.equal(await proxy.stop(), 0)
  },
)

testFault(
  {
    fault: 'Clients of another Service send UDP from 100,000 sources, one after the other',
    promise: 'All Services are served. Each source gets an answer; of 100, one may be lost.',
    skip,
  },
  async (t: Test, fault: FaultMeasurement) => {
    const { node, network, clients, proxy } = await setUp(t)
    const addresses = Array.from({ length: SOURCE_ADDRESSES }, (_, n) => `address add 10.244.0.${200 + n}/24 dev eth0`)
    await clients.configure(...addresses)
    const traffic = await node.startTraffic()
    fault.start()
    const load = network.start(clients, process.execPath, ['-e', SOURCES_PROGRAM])
    load.stderr!.pipe(process.stderr)
    const [lost] = (await once(createInterface({ input: load.stdout! }), 'line')) as [string]
    fault.checkLoss(Number(lost), SOURCES, 'sources', SOURCES / 100)
    await fault.checkTraffic(traffic)
    t.equal(await proxy.stop(), 0)
  },
)
