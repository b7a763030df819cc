import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'

/** Runs the tests for all modes in ipvs mode: each address, kind of client and policy. */
process.env['PROXY_MODE'] = 'ipvs'
if (ipvsUnavailable) void t.test('Services in ipvs mode', { skip: ipvsUnavailable }, t => t.end())
else await import('./external-traffic.test.js')
