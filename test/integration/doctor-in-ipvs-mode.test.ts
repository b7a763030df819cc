import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'

/** Runs the test for all modes in ipvs mode: the doctor names each fault first. */
process.env['PROXY_MODE'] = 'ipvs'
if (ipvsUnavailable) void t.test('The doctor names each fault first', { skip: ipvsUnavailable }, t => t.end())
else await import('./doctor.test.js')
