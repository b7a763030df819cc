import { type DummyInterface } from './dummy-interface.js'
import { type IpSets } from './ip-sets.js'
import { setHeader } from './ip-set-text.js'
import { type Ipvs } from './ipvs.js'

/** A documentation address (RFC 5737), which kube-proxy uses for its probe too. */
const TEST_SERVER = { protocol: 'TCP', address: '198.51.100.0', port: 20_000 } as const
const TEST_SET = 'KUBE-IPVS-TEST'

/**
 * Tries IPVS with a scheduler, by a virtual server that is removed at once. A scheduler that some virtual server uses is available.
 * @throws ProxyFailure with what is missing
 */
export async function probeIpvsScheduler(scheduler: string, ipvs: Ipvs): Promise<void> {
  const observed = await ipvs.list()
  if (observed.some(server => server.scheduler === scheduler)) return
  await ipvs.change([{ kind: 'add', server: { ...TEST_SERVER, scheduler, flags: '', persistenceSeconds: 0 } }])
  await ipvs.change([{ kind: 'delete', server: TEST_SERVER }])
}

/** Tries sets of the largest type that ipvs mode uses. @throws ProxyFailure with what is missing */
export async function probeIpSets(sets: IpSets): Promise<void> {
  const set = { name: TEST_SET, type: 'hash:ip,port,net', family: 'IPv4', entries: new Set<string>() } as const
  await sets.restore(`create ${TEST_SET} ${setHeader(set)}\ndestroy ${TEST_SET}\n`)
}

/** Tries the interface of ipvs mode. An interface that existed before stays. @throws ProxyFailure with what is missing */
export async function probeDummyInterface(dummy: DummyInterface): Promise<void> {
  const existed = (await dummy.read()) !== undefined
  await dummy.ensure()
  if (!existed) await dummy.delete()
}
