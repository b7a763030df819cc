import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const PROGRAM = fileURLToPath(new URL('../support/terminal/read-key-program.js', import.meta.url))

/** A program on a pseudo-terminal. It prints `working PID`, and after SIGUSR2 reads one key of `a`, `b` and `c`. */
async function startProgram(t: Test) {
  const command = `exec env -u NODE_OPTIONS ${process.execPath} ${PROGRAM}`
  const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  const exit = once(child, 'close')
  let text = ''
  child.stdout.on('data', chunk => (text += String(chunk)))
  const printed = async (pattern: RegExp): Promise<string> => {
    while (!pattern.test(text))
      await Promise.race([
        once(child.stdout, 'data'),
        exit.then(() => Promise.reject(new Error(`It ended early:\n${text}`))),
      ])
    return pattern.exec(text)![1]!
  }
  const pid = Number(await printed(/working (\d+)\r?\n/))
  return {
    press: (keys: string) => void child.stdin.write(keys),
    printed,
    askForKey: () => process.kill(pid, 'SIGUSR2'),
    exitCode: async () => ((await exit) as [number])[0],
  }
}

t.test('keys that were pressed before the prompt do not answer it', async t => {
  // A line, keys without Enter, and Enter alone: the terminal keeps all of them.
  for (const early of ['a\r', 'b', '\r', 'a\rb\r\r']) {
    const program = await startProgram(t)
    program.press(`${early}x`)
    // The terminal prints what it has taken.
    await program.printed(/(x)/)
    program.askForKey()
    await program.printed(/(prompt)/)
    program.press('c')
    t.equal(await program.printed(/key: (\S+)/), 'c', JSON.stringify(early))
    t.equal(await program.exitCode(), 0)
  }
})

t.test('keys after the prompt count, and those that are not wanted do nothing', async t => {
  const program = await startProgram(t)
  program.askForKey()
  await program.printed(/(prompt)/)
  program.press('zyb')
  t.equal(await program.printed(/key: (\S+)/), 'b')
  t.equal(await program.exitCode(), 0)
})

t.test('Ctrl-C at the prompt interrupts the program', async t => {
  const program = await startProgram(t)
  program.askForKey()
  await program.printed(/(prompt)/)
  program.press('\x03')
  t.equal(await program.exitCode(), 130)
})
