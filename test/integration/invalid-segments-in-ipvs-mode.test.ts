import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'

/** Runs the tests of segments outside of the window in ipvs mode. */
process.env['PROXY_MODE'] = 'ipvs'
if (ipvsUnavailable) void t.test('segments outside of the window in ipvs mode', { skip: ipvsUnavailable }, t => t.end())
else await import('./invalid-segments.test.js')
