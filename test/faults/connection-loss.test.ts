import { faultsOf } from '../support/faults/faults-of.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { ChurnedService } from '../support/processes/churned-service.js'

const testFault = faultsOf('Changes of endpoints')

// With more connections: npm run bench -- lossless
testFault(
  {
    fault: 'The endpoints of a Service are replaced every 100 ms, and one of four refuses',
    promise: 'Each new connection reaches a Pod that lives.',
    skip: namespacesUnavailable,
  },
  async (t, fault) => {
    const service = await ChurnedService.start(t)
    for (const [kind, count, width] of [
      ['connections one after the other', 3000, 2],
      ['connections at the same time', 800, undefined],
    ] as const) {
      const { outcomes } = await service.runLoad(count, width)
      const { answered = 0, ...lost } = outcomes
      fault.checkLoss(count - answered, count, kind, 0, lost)
    }
    t.ok((await service.stopChurn()) > 3, 'endpoints were replaced during the load')
    t.equal(await service.proxy.stop(), 0)
  },
)
