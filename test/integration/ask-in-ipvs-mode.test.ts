import t from 'tap'
import { ipvsUnavailable } from '../support/nodes/ipvs-unavailable.js'
import { TIMEOUT_FACTOR } from '../support/nodes/timeout-factor.js'
import { isolatedDemo } from '../support/processes/isolated-demo.js'
import { runProgram } from '../support/processes/run-program.js'

void t.test(
  'in ipvs mode a ping of a ClusterIP reaches the node, which rejects it or answers it',
  { skip: ipvsUnavailable, timeout: 60_000 * TIMEOUT_FACTOR },
  async t => {
    const { env, left } = isolatedDemo()
    const { exitCode, stdout, stderr } = await runProgram(['ask', '3', '-o', 'json', '--language', 'en'], { env })
    t.equal(exitCode, 0, `${stdout}${stderr}`)
    const { proof, answer, steps } = JSON.parse(stdout) as {
      readonly proof: { readonly value: string }
      readonly answer: string
      readonly steps: readonly { readonly command: string; readonly output: string }[]
    }
    t.equal(proof.value, '0, 0, 0, 1')
    t.match(
      answer,
      /rejected all but the ports of Services \(pings: 1\).*the kernel of the node answered \(replies: 1\)/,
    )
    t.notMatch(answer, /Not run/)
    t.ok(
      steps.some(
        ({ command, output }) => command.startsWith('ip ') && /^kube-ipvs0 .* 10\.96\.0\.10\/32/m.test(output),
      ),
    )
    t.equal(left(), '')
  },
)
