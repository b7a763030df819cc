import { ProxyFailure } from '../model/failure.js'
import { type DummyInterface, dummyInterface } from './dummy-interface.js'
import { type IpSets, ipSetProgram } from './ip-sets.js'
import { setHeader } from './ip-set-text.js'
import { type Ipvs, ipvsProgram } from './ipvs.js'

/** A documentation address (RFC 5737), which kube-proxy uses for its probe too. */
const TEST_SERVER = { protocol: 'TCP', address: '198.51.100.0', port: 20_000 } as const
const TEST_SET = 'KUBE-IPVS-TEST'

/**
 * Finds out whether this node can serve in ipvs mode: the programs exist, the kernel has all features, and this process may
 * use them. It creates the interface, a set and a virtual server, and removes them again; an interface that existed before
 * stays.
 *
 * @returns why it cannot; undefined when it can
 */
export async function probeIpvs(
  scheduler: string,
  ipvs: Ipvs = ipvsProgram,
  sets: IpSets = ipSetProgram,
  dummy: DummyInterface = dummyInterface,
): Promise<ProxyFailure | undefined> {
  try {
    await probeScheduler(scheduler, ipvs)
    const set = { name: TEST_SET, type: 'hash:ip,port,net', family: 'IPv4', entries: new Set<string>() } as const
    await sets.restore(`create ${TEST_SET} ${setHeader(set)}\ndestroy ${TEST_SET}\n`)
    const existed = (await dummy.read()) !== undefined
    await dummy.ensure()
    if (!existed) await dummy.delete()
    return undefined
  } catch (error) {
    if (error instanceof ProxyFailure) return error
    throw error
  }
}

/** A scheduler that some virtual server uses is available. Otherwise, create a virtual server with it. */
async function probeScheduler(scheduler: string, ipvs: Ipvs): Promise<void> {
  const observed = await ipvs.list()
  if (observed.some(server => server.scheduler === scheduler)) return
  await ipvs.change([{ kind: 'add', server: { ...TEST_SERVER, scheduler, flags: '', persistenceSeconds: 0 } }])
  await ipvs.change([{ kind: 'delete', server: TEST_SERVER }])
}
