import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'

/** Runs tests of metrics, dashboards, profiles and health in ipvs mode, where the kernel carries the traffic. */
process.env['PROXY_MODE'] = 'ipvs'
if (ipvsUnavailable) void t.test('monitoring in ipvs mode', { skip: ipvsUnavailable }, t => t.end())
else {
  await import('./metrics-page.test.js')
  await import('./dashboards.test.js')
  await import('./profiling.test.js')
  await import('./health.test.js')
}
