import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { isolatedDemo } from '../support/processes/isolated-demo.js'
import { runProgram } from '../support/processes/run-program.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'

void t.test(
  'the demo tells the same story in ipvs mode, where virtual servers count',
  { skip: ipvsUnavailable, timeout: 30_000 * TIMEOUT_FACTOR },
  async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['demo', '--proxy-mode=ipvs'], { env })
    t.equal(exitCode, 0, stderr)
    t.notMatch(stdout, /✗/)
    t.match(stdout, /TCP +10\.96\.0\.10:80 +9 /, 'with the counters')
    t.match(stdout, /the virtual server for 10\.96\.0\.10 has counted 9 connections for nine requests/)
    t.match(stdout, /answered by 3 Pods: 3 \+ 3 \+ 3/)
    const seen = /Nine requests[^]*?answered by/.exec(stdout)?.[0].match(/nginx-deployment-[123] +10\.244\.0\.2$/gm)
    t.equal(seen?.length, 9, 'the Pods saw the client itself')
    t.match(stdout, /six requests of one client, all answered by one Pod/)
    t.match(stdout, /with the endpoint gone no request is lost/)
    t.match(stdout, /answered by 5 Pods: 2 \+ 2 \+ 2 \+ 2 \+ 2/)
    t.match(stdout, /the client sees: ECONNREFUSED/)
    t.match(stdout, /All as it should be/)
    t.equal(left(), '')
  },
)
