import { type ContenderName } from '../contenders/contender.js'
import { type ClusterSize, makeServices } from '../testbed/bench-service.js'
import { type Load } from './load.js'

const CONNECTIONS = 1500

/** Measures the time to open a connection in a cluster with this number of Services. */
function makeFirstPacketLoad(size: ClusterSize, contenders: readonly ContenderName[], leftOut: string): Load {
  const many = size.services.toLocaleString('en')
  return {
    name: `first-packet-${size.services}`,
    title: `First packet at ${many} Services`,
    description:
      `One connection after the other to a random one of ${many} Services, until it is open: ` +
      'only the first packet passes the rules. Kernel DNAT has one list of all Services.',
    metrics: [
      { name: 'median', title: 'median', unit: 'µs', better: 'lower' },
      { name: 'p99', title: 'p99', unit: 'µs', better: 'lower' },
    ],
    seconds: 1,
    contenders,
    exclusionNote: leftOut,
    async takeSample(stage) {
      const running = await stage.ensureRunning(size)
      const services = makeServices(size).filter(({ targetPort }) => targetPort === 8080)
      const to = services.map(service => running.addressOf(service)!)
      const { median, p99 } = await stage.site.client.measureConnects(
        to.map(({ ip }) => ip),
        to[0]!.port,
        CONNECTIONS,
      )
      return { values: { median, p99 }, errors: [] }
    },
  }
}

export const firstPacketLoads: readonly Load[] = [
  makeFirstPacketLoad(
    { services: 10, endpoints: 3 },
    ['direct', 'dnat', 'kube-proxy-node', 'original'],
    'HAProxy and nginx use the same rules as kernel DNAT.',
  ),
  makeFirstPacketLoad(
    { services: 5000, endpoints: 3 },
    ['dnat', 'kube-proxy-node'],
    'The original does not write its rules in time.',
  ),
]
