import t from 'tap'
import { ProxyFailure } from '../../../lib/model/failure.js'
import { cleanupIpvsMode } from '../../../lib/modes/ipvs/cleanup.js'
import { MemoryKernel } from '../../support/kernel/memory-kernel.js'

t.test('sets that cannot exist are nothing to clean up, and sets that cannot be read are a failure', async t => {
  const kernel = new MemoryKernel()
  const cleanUp = (code: ProxyFailure['code']) => {
    kernel.ipSets.read = () => Promise.reject(new ProxyFailure(code, 'cannot read'))
    return cleanupIpvsMode(kernel)
  }
  for (const code of ['PROGRAM_MISSING', 'IPVS_ABSENT'] as const) t.equal(await cleanUp(code), false, code)
  for (const code of ['IPVS_FORBIDDEN', 'IPSET_FAILED', 'PROGRAM_FAILED'] as const)
    await t.rejects(cleanUp(code), { code }, code)
})
