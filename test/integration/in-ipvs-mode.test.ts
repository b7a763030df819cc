import t from 'tap'
import { cannotUseIpvs } from '../support/cannot-use-ipvs.js'

/** What holds in every mode: each address, kind of client and policy. */
process.env['PROXY_MODE'] = 'ipvs'
if (cannotUseIpvs) void t.test('Services in ipvs mode', { skip: cannotUseIpvs }, t => t.end())
else await import('./outside.test.js')
