import t from 'tap'
import { installersUnavailable, readInstallers } from '../support/processes/installed-proxy.js'
import { testInstallers } from '../support/processes/test-installers.js'

// test/faults/installer-starts.test.ts starts each in place of a proxy that serves.
t.test('every installer starts the program unchanged', { skip: installersUnavailable }, async t => {
  const installers = readInstallers()
  t.ok(installers.length >= 9, `${installers.length} installers`)
  await testInstallers(t, installers)
})
