import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

const run = promisify(execFile)
const MODULE = new URL('../../lib/system/prefer-memory.js', import.meta.url).href

/** Makes answers as the status API does, which are garbage a little later. Prints the mean size of the heap, in bytes. */
const MAKE_ANSWERS = `
  const { setImmediate } = await import('node:timers/promises')
  const COUNT = 200
  let sum = 0
  const answers = []
  for (let n = 0; n < COUNT; n++) {
    answers.push(JSON.parse(JSON.stringify(Array.from({ length: 10000 }, (_, id) => ({ id, name: 'service-' + id, n })))))
    if (answers.length > 20) answers.shift()
    await setImmediate()
    sum += process.memoryUsage().heapTotal
  }
  console.log(sum / COUNT)`

async function meanHeap(code: string, options: readonly string[] = []): Promise<number> {
  const program = `import { preferMemory } from '${MODULE}'\n${code}\n${MAKE_ANSWERS}`
  const { stdout } = await run(process.execPath, [...options, '--input-type=module', '--eval', program])
  return Number(stdout)
}

t.test('a program that prefers memory has a smaller heap, until it does not any more', async t => {
  const [usual, small, over] = await Promise.all([
    meanHeap(''),
    meanHeap('preferMemory()'),
    meanHeap('preferMemory()()'),
  ])
  t.ok(small < 0.7 * usual, `${small} of ${usual} bytes`)
  t.ok(over > 0.8 * usual, `${over} of ${usual} bytes`)
})

t.test('a program that was started with this preference keeps it', async t => {
  const own = ['--optimize-for-size']
  const [kept, small] = await Promise.all([meanHeap('preferMemory()()', own), meanHeap('', own)])
  t.ok(kept < 1.2 * small, `${kept} of ${small} bytes`)
})
