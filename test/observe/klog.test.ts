import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { type Log } from '../../lib/model/log.js'
import { createKlog, wantsColour } from '../../lib/observe/klog.js'

const AT = new Date(2026, 10, 24, 8, 9, 6, 123).getTime() + 0.456

function createRecordedLog(verbosity = 2, colour?: boolean): { log: Log; lines: string[] } {
  const lines: string[] = []
  const write = (line: string): void => void lines.push(line)
  const log = createKlog({ verbosity, write, now: () => AT, pid: 12345, ...(colour !== undefined && { colour }) })
  return { log, lines }
}

/** A line without its position, which depends on the compiled file. */
function withoutPosition(line: string | undefined): string {
  return (line ?? '').replace(/ klog\.test\.[jt]s:\d+\]/, ' FILE:LINE]')
}

t.test('a line has the format of klog', t => {
  const { log, lines } = createRecordedLog()
  log.info(1, 'Service port comes', { port: 'ns/a:http', number: 80, ready: true, absent: undefined })
  t.equal(
    withoutPosition(lines[0]),
    'I1124 08:09:06.123456   12345 FILE:LINE] "Service port comes" port="ns/a:http" number=80 ready=true\n',
  )
  t.end()
})

t.test('in JSON a line is an object with the keys of Kubernetes, and an error has no level', t => {
  const lines: string[] = []
  const log = createKlog({ verbosity: 2, format: 'json', write: line => void lines.push(line), now: () => AT, pid: 1 })
  log.info(2, 'Service "port"\n', { port: 'ns/a:http', number: 80, ready: true, absent: undefined })
  log.warn('Careful')
  log.error('Failed', new ProxyFailure('API_REFUSED', 'no', { hint: 'Ask' }))
  const objects = lines.map(line => JSON.parse(line) as Record<string, unknown>)
  t.ok(lines.every(line => line.endsWith('}\n') && !line.slice(0, -1).includes('\n')))
  t.same(
    objects.map(({ caller, ...others }) => [/^klog\.test\.[jt]s:\d+$/.test(String(caller)), others]),
    [
      [
        true,
        { ts: Math.floor(AT * 1000) / 1000, msg: 'Service "port"\n', v: 2, port: 'ns/a:http', number: 80, ready: true },
      ],
      [true, { ts: Math.floor(AT * 1000) / 1000, msg: 'Careful', v: 0, severity: 'warning' }],
      [true, { ts: Math.floor(AT * 1000) / 1000, msg: 'Failed', err: 'no', code: 'API_REFUSED', hint: 'Ask' }],
    ],
  )
  t.end()
})

t.test('the verbosity can change', t => {
  const lines: string[] = []
  const log = createKlog({ verbosity: 0, write: line => void lines.push(line) })
  log.info(1, 'a')
  log.setVerbosity(1)
  log.info(1, 'b')
  t.equal(log.enabled(1), true)
  log.setVerbosity(0)
  log.info(1, 'c')
  t.match(lines, [/"b"/])
  t.equal(lines.length, 1)
  t.end()
})

t.test('the severity letter shows info, warning and error', t => {
  const { log, lines } = createRecordedLog()
  log.info(0, 'a')
  log.warn('b')
  log.error('c', new Error('d'))
  t.equal(lines.map(line => line[0]).join(''), 'IWE')
  t.end()
})

t.test('the position is that of the caller', t => {
  const { log, lines } = createRecordedLog()
  const callers = [
    (): unknown => (log.info(0, 'here'), new Error().stack),
    (): unknown => (log.warn('here'), new Error().stack),
    (): unknown => (log.error('here', 'oh'), new Error().stack),
  ]
  for (const [index, call] of callers.entries()) {
    const line = /klog\.test\.[jt]s:\d+/.exec(String(call()))?.[0]
    t.ok(line)
    t.match(lines[index], ` ${line}] "here"`)
  }
  t.equal(new Set(lines.map(line => / (\S+)\]/.exec(line)?.[1])).size, 3, 'three places')
  t.end()
})

t.test('a log line does not change the depth of error stacks', t => {
  const { log } = createRecordedLog()
  const before = Error.stackTraceLimit
  t.teardown(() => (Error.stackTraceLimit = before))
  Error.stackTraceLimit = 17
  log.info(0, 'a')
  t.equal(Error.stackTraceLimit, 17)
  t.end()
})

t.test('levels above the verbosity are neither written nor enabled', t => {
  const { log, lines } = createRecordedLog(2)
  log.info(3, 'too much')
  log.info(2, 'enough')
  t.equal(lines.length, 1)
  t.same([log.enabled(2), log.enabled(3)], [true, false])
  t.end()
})

t.test('hostile text stays inside its quotes and on one line', t => {
  const { log, lines } = createRecordedLog()
  const hostile = 'x"\nE1124 08:09:06.000000 1 a.js:1] "forged" \r\u2028\x1b[2J'
  log.info(0, hostile, { name: hostile })
  log.error('failed', new Error(hostile), { name: hostile })
  for (const line of lines) {
    t.equal(line.split(/[\n\r\u2028]/).length, 2, 'the last character is the only line end')
    t.notMatch(line, '\x1b')
    t.match(line, /name="x\\"\\nE1124 .*"forged\\" \\r\\u2028\\x1b\[2J"\n$/)
  }
  t.end()
})

t.test('an error is shown with causes, code and hint', t => {
  const { log, lines } = createRecordedLog()
  const failure = new ProxyFailure('IPTABLES_LOCKED', 'cannot write rules', {
    cause: new Error('Another app is currently holding the xtables lock'),
    hint: 'wait for it',
  })
  log.error('Sync failed', failure, { family: 'IPv4' })
  t.match(
    lines[0],
    '] "Sync failed" err="cannot write rules: Another app is currently holding the xtables lock" code="IPTABLES_LOCKED" hint="wait for it" family="IPv4"\n',
  )
  t.end()
})

t.test("a system error is shown with the system's code, and without a stack", t => {
  const { log, lines } = createRecordedLog()
  log.error('Failed', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
  t.match(lines[0], /err="connect ECONNREFUSED" code="ECONNREFUSED"\n$/)
  t.end()
})

t.test('an error without a code is shown with its stack, on one line', t => {
  const { log, lines } = createRecordedLog()
  log.error('Failed', new TypeError('x is not a function'))
  t.match(lines[0], /err="x is not a function" stack="TypeError: x is not a function\\n +at .*"\n$/)
  t.equal(lines[0]?.split('\n').length, 2)
  t.end()
})

t.test('anything that can be thrown can be logged', t => {
  const { log, lines } = createRecordedLog()
  const circular = new Error('round')
  circular.cause = circular
  for (const thrown of [undefined, null, 7, 'text', Object.create(null), circular]) log.error('Failed', thrown)
  t.equal(lines.length, 6)
  for (const line of lines) t.match(line, /"Failed" err="[^"]*"/)
  t.end()
})

t.test('an error while writing does not reach the caller', t => {
  const log = createKlog({
    verbosity: 0,
    write: () => {
      throw new Error('ENOSPC')
    },
  })
  t.doesNotThrow(() => log.info(0, 'a'))
  t.end()
})

t.test('only the severity letter is coloured', t => {
  const { log, lines } = createRecordedLog(0, true)
  log.error('Failed', 'x')
  t.match(lines[0], /^\x1b\[31mE\x1b\[0m1124 [^\x1b]*$/)
  t.end()
})

t.test('only terminals get colour, NO_COLOR turns it off, and FORCE_COLOR decides', t => {
  t.equal(wantsColour({}, true), true)
  t.equal(wantsColour({}, false), false)
  t.equal(wantsColour({ NO_COLOR: '1' }, true), false)
  t.equal(wantsColour({ NO_COLOR: '' }, true), true)
  t.equal(wantsColour({ FORCE_COLOR: '1' }, false), true)
  t.equal(wantsColour({ FORCE_COLOR: '1', NO_COLOR: '1' }, false), true)
  t.equal(wantsColour({ FORCE_COLOR: '0' }, true), false)
  t.end()
})

t.test('the process keeps running when the reader of standard error closes it', async t => {
  const program = `
    import { createKlog } from ${JSON.stringify(new URL('../../lib/observe/klog.js', import.meta.url).href)}
    const log = createKlog({ verbosity: 0 })
    createKlog({ verbosity: 0 })
    log.info(0, 'first')
    process.stdin.once('data', async () => {
      for (let i = 0; i < 5; i++) {
        log.info(0, 'without a reader')
        await new Promise(setImmediate)
      }
      process.stdout.write('alive with ' + process.stderr.listenerCount('error') + ' listener')
      process.stdin.destroy()
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program])
  t.teardown(() => child.kill())
  const exit = once(child, 'exit')
  const [first] = (await once(child.stderr, 'data')) as [Buffer]
  t.match(first.toString(), /^I\d{4} [\d:]{8}\.\d{6} +\d+ \S+:\d+\] "first"\n$/)
  child.stderr.destroy()
  await once(child.stderr, 'close')
  child.stdin.write('go')
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  t.same(await exit, [0, null])
  t.equal(output, 'alive with 1 listener')
})

t.test(
  'while standard error is not read, few lines wait; the others are dropped, counted and reported later',
  async t => {
    const LINES = 10_000
    const program = `
    import { createKlog } from ${JSON.stringify(new URL('../../lib/observe/klog.js', import.meta.url).href)}
    const log = createKlog({ verbosity: 3 })
    for (let i = 0; i < ${LINES}; i++) log.info(3, 'Connected a client', { number: i })
    process.stdout.write(String(process.stderr.writableLength))
    process.stdin.once('data', () => process.stdin.destroy())`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program])
    t.teardown(() => child.kill())
    const [waiting] = (await once(child.stdout, 'data')) as [Buffer]
    t.ok(Number(waiting.toString()) < 300_000, `${waiting.toString()} bytes wait`)
    let text = ''
    const reported = new Promise<void>(resolve =>
      child.stderr.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        if (/Dropped.*\n$/.test(text)) resolve()
      }),
    )
    await reported
    child.stdin.write('go')
    await once(child, 'exit')
    const lines = text.trimEnd().split('\n')
    const dropped = / "Dropped log lines: standard error was not read" lines=(\d+)$/.exec(lines.pop()!)?.[1]
    t.equal(lines.length + Number(dropped), LINES, `${lines.length} written, ${dropped} dropped`)
    t.ok(
      lines.every(line => line.includes('Connected a client')),
      'no line is cut',
    )
  },
)
