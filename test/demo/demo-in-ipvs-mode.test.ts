import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { isolatedDemo } from '../support/processes/isolated-demo.js'
import { runProgram } from '../support/processes/run-program.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

void t.test(
  'the demo runs the same steps in ipvs mode, where virtual servers count connections',
  { skip: ipvsUnavailable, timeout: 60_000 * TIMEOUT_FACTOR },
  async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo', '--proxy-mode=ipvs'], { env })
    t.equal(exitCode, 0, stderr)
    t.notMatch(stdout, /✗/)
    t.match(stdout, /TCP +10\.96\.0\.10:80 +9 /, 'with the counters')
    t.match(stdout, /The virtual server for 10\.96\.0\.10 counted 9 connections for 9 requests/)
    t.match(stdout, /3 Pods answered: 3 \+ 3 \+ 3/)
    const seen = /Nine requests[^]*?Pods answered/.exec(stdout)?.[0].match(/nginx-deployment-[123] +10\.244\.0\.2$/gm)
    t.equal(seen?.length, 9, 'the Pods saw the address of the client')
    t.match(stdout, /One Pod answered 6 of 6 requests of this client/)
    t.match(stdout, /The dead endpoint is no longer listed, and no request failed/)
    t.match(stdout, /5 Pods answered: 2 \+ 2 \+ 2 \+ 2 \+ 2/)
    t.match(stdout, /The client gets ECONNREFUSED/)
    t.match(stdout, /All checks passed/)
    t.equal(left(), '')
  },
)
