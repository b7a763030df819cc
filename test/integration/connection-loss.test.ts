import t from 'tap'
import { ChurnedService } from '../support/processes/churned-service.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'

// With more connections: npm run bench -- lossless
t.test('no connection is lost while endpoints are replaced every 100 ms', { skip: namespacesUnavailable }, async t => {
  const service = await ChurnedService.start(t)
  for (const [name, count, width] of [
    ['one after the other', 3000, 2],
    ['at the same time', 800, undefined],
  ] as const) {
    const { outcomes } = await service.runLoad(count, width)
    t.strictSame(outcomes, { answered: count }, `${count} connections ${name}`)
  }
  t.ok((await service.stopChurn()) > 3, 'endpoints were replaced during the load')
  t.equal(await service.proxy.stop(), 0)
})
