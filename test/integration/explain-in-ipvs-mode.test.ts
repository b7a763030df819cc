import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'

/** Runs the test for all modes in ipvs mode: packets go where explain says. */
process.env['PROXY_MODE'] = 'ipvs'
if (ipvsUnavailable) void t.test('Packets go where explain says', { skip: ipvsUnavailable }, t => t.end())
else await import('./explain.test.js')
