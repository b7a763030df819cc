import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ProgramLog } from '../../lib/demo/program-log.js'
import { WITHOUT_TAP_LOADER, namespacesUnavailable } from '../support/nodes/node-network.js'

const PROGRAM = fileURLToPath(new URL('../support/processes/turn-watch-entry.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'turn-watch-'))
t.teardown(() => rmSync(folder, { recursive: true }))
/** A read of it waits for a writer that never comes. */
const FIFO = join(folder, 'fifo')
execFileSync('mkfifo', [FIFO])

/** How the program starts, and the signal that ends it when it no longer turns. */
const STARTS = [
  { name: 'an ordinary process', before: [], signal: 'SIGKILL', skip: false },
  {
    name: 'the first process of a pid namespace',
    before: ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'],
    signal: 'SIGTRAP',
    skip: namespacesUnavailable,
  },
] as const

for (const { name, before, signal, skip } of STARTS)
  for (const command of ['work', `read ${FIFO}`])
    t.test(
      `${name} lives while it turns, and is killed after "${command.split(' ')[0]}" without end`,
      { skip },
      async t => {
        const [program, ...args] = [...before, 'env', ...WITHOUT_TAP_LOADER, process.execPath, PROGRAM] as const
        const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
        t.teardown(() => child.kill('SIGKILL'))
        const log = new ProgramLog(child, child.stderr!, 60_000)
        t.equal((await once(child, 'message'))[0], 'turning')
        const exited = once(child, 'exit')
        child.send(command)
        await log.waitFor(/"Killing the control process" .*code="CONTROL_SILENT"/)
        t.strictSame(await exited, [null, signal])
      },
    )
