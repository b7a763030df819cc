/** Entry of a program on a terminal: prints `working PID`, waits for SIGUSR2, then reads one key of `a`, `b`, `c` and Enter. */
import { once } from 'node:events'
import { KeyReader } from '../../../lib/terminal/key-reader.js'

const keys = new KeyReader(process.stdin)
// A signal does not keep the process alive.
const timer = setInterval(() => undefined, 1000)
process.on('SIGINT', () => process.exit(130))
const asked = once(process, 'SIGUSR2')
process.stdout.write(`working ${process.pid}\n`)
await asked
clearInterval(timer)
const key = await keys.read(
  each => (each === '\r' || each === '\n' ? 'Enter' : 'abc'.includes(each) ? each : undefined),
  () => process.stdout.write('prompt'),
)
process.stdout.write(`key: ${key}\n`)
