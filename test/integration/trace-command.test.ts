import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { makeServiceManifest, makeSliceManifest } from '../support/api/manifests.js'
import { runProgram } from '../support/processes/run-program.js'
import { eventMistakes } from '../support/status/schema-mistakes.js'
import { StatusNode } from '../support/status/status-node.js'
import { TraceProcess } from '../support/status/trace-process.js'

const UTF8 = { ...process.env, LC_ALL: 'C.UTF-8' }
const HALF = { clusterIP: '10.96.0.78', port: 82 }
/** What a trace says beside its lines on a busy machine. */
const NOTE = /^(Worker \d|More happens)/
const TIME = String.raw`\d\d:\d\d:\d\d\.\d{3}`

/** A proxy with a Service `half`, of whose two endpoints one refuses. */
async function startHalf(t: Parameters<typeof StatusNode.create>[0], ...flags: string[]) {
  const status = await StatusNode.create(t, ['--proxy-mode=userspace', ...flags])
  const { node } = status
  const metadata = { namespace: 'default', name: 'half-2', labels: { 'kubernetes.io/service-name': 'half' } }
  const refusing = { ...makeSliceManifest('half', node.ips.slice(0, 1), 9), metadata }
  node.write(
    node.ips,
    makeServiceManifest('half', HALF),
    makeSliceManifest('half', node.ips.slice(0, 1), 8080),
    refusing,
  )
  const proxy = await status.start()
  const at = ['--status-socket', status.socket]
  return { status, node, proxy, at, pod: `${node.ips[0]}:8080`, refusing: `${node.ips[0]}:9` }
}

/** Sends one client after the other until the work is done. */
async function sendUntil<Result>(send: () => Promise<unknown>, work: Promise<Result>): Promise<Result> {
  let isOver = false
  const done = work.finally(() => (isOver = true))
  while (!isOver) await send()
  return done
}

t.test('real clients are lines as they open, are retried and end; Ctrl-C ends with a summary', async t => {
  const { node, at, pod, refusing, proxy, status } = await startHalf(t, '--data-plane-workers=2')
  const all = await TraceProcess.start(t, ['-A', ...at], UTF8)
  const failures = await TraceProcess.start(t, ['half', '--failures', ...at], UTF8)
  const json = TraceProcess.launch(t, ['-o', 'json', '--client', '10.244.0.0/16', '--pod', node.ips[0]!, ...at], UTF8)

  const line = (what: string, rest: string): RegExp => new RegExp(`^${TIME} +. ${what} +default +${rest}`)
  await node.client.tcp(node.web.clusterIP, node.web.port)
  const opened = await all.next(line('opened', String.raw`10\.244\.0\.\d+:\d+ +web +10\.244\.0\.\d+:8080$`))
  const client = /10\.244\.0\.\d+:\d+/.exec(opened)![0]
  await all.next(
    line('ended', String.raw`${client} +web +10\.244\.0\.\d+:8080 +closed after \d+m?s, \d+B sent, 1B received$`),
  )

  const sendToHalf = (): Promise<unknown> => node.client.tcp(HALF.clusterIP, HALF.port)
  const sendToWeb = (): Promise<unknown> => node.client.tcp(node.web.clusterIP, node.web.port)
  const retried = await sendUntil(
    sendToHalf,
    all.next(line('retried', String.raw`\S+ +half +${refusing} +next ${pod} \(connect ECONNREFUSED`)),
  )
  const retriedClient = /10\.244\.0\.\d+:\d+/.exec(retried)![0]
  await all.next(line('opened', `${retriedClient} +half +${pod} +after 2 tries$`))
  const ejected = line('ejected', `- +half +${refusing} +for 2s \\(connect ECONNREFUSED`)
  t.ok(
    all.lines.some(text => ejected.test(text)),
    'the endpoint gets no new clients for a while',
  )
  await failures.next(new RegExp(`~ retried +${retriedClient} +half +${refusing} `))
  const object = JSON.parse(await sendUntil(sendToHalf, json.next(/"what":"retried"/))) as Record<string, unknown>
  t.match(object, { service: 'half', endpoint: refusing, nextEndpoint: pod, tries: 1, isSampled: Boolean })
  delete object['isSampled']
  t.strictSame(eventMistakes(object, 'Happening'), [])

  // A process that had very many clients within a second shows only a part of them.
  const sendDns = (): Promise<unknown> => node.client.udp(node.dns.clusterIP, node.dns.port)
  await sendUntil(sendDns, all.next(line('opened', String.raw`\S+ +dns/UDP +10\.244\.0\.\d+:5353$`)))

  // Columns stay where they are.
  const starts = all.lines.map(text => text.search(/(?<=(opened|retried|ended|ejected|WHAT) +)default|NAMESPACE/))
  t.strictSame([...new Set(starts)], [starts[0]])
  t.notMatch(all.lines.join('\n'), /\x1b/, 'no colour when piped')
  t.notOk(
    failures.lines.some(text => / (opened|ended|dns|web) /.test(text)),
    'only failures of the Service',
  )

  // The next proxy is traced, too.
  t.equal(await proxy.stop(), 0)
  await status.start()
  await sendUntil(sendToWeb, all.next(/opened .* web /))
  const { exitCode, stderr } = await all.end('SIGINT')
  t.equal(exitCode, 0)
  t.match(stderr, /^The proxy has ended; another one is traced now$/m)
  t.match(
    stderr,
    /\nIn \d+m?s: \d+ opened, \d+ retried, 0 refused, \d+ ended, \d+ ejected(; there was more than is shown)?\n$/,
  )
  const gone = once(failures.child, 'exit')
  failures.child.stdout!.destroy()
  t.strictSame(await sendUntil(sendToHalf, gone), [0, null], 'the reader has gone')
})

t.test('on a terminal each happening is one line, with colour and marks, ASCII where needed', async t => {
  const { node, at } = await startHalf(t)
  const flags = ['-A', ...at].join(' ')
  const traces = await Promise.all([
    TraceProcess.onTerminal(t, 120, flags, 'LC_ALL=C.UTF-8'),
    TraceProcess.onTerminal(t, 80, flags, 'LC_ALL=C NO_COLOR=1'),
  ])
  const retried = Promise.all(traces.map(trace => trace.next(/~ retried/)))
  await sendUntil(() => node.client.tcp(HALF.clusterIP, HALF.port), retried)
  const [wide, narrow] = await Promise.all(traces.map(trace => trace.interrupt()))
  t.match(wide!.join('\n'), /\x1b\[33m~ retried\x1b\[0m/)
  t.match(wide!.join('\n'), /\x1b\[32m\+ opened\x1b\[0m/)
  t.notMatch(narrow!.join('\n'), /[^\x00-\x7f]|\x1b/)
  for (const [lines, columns] of [
    [wide!, 120],
    [narrow!, 80],
  ] as const) {
    const shown = lines.map(text => stripVTControlCharacters(text).trimEnd())
    t.match(shown.at(-1), /^In \d/, 'the summary is a line of its own')
    // Before the summary is a line that Ctrl-C may have cut, and an empty one.
    for (const line of shown.slice(1, -3)) {
      if (NOTE.test(line)) continue
      t.ok(line.length <= columns, line)
      t.match(line, /^\d\d:\d\d:\d\d/)
    }
  }
})

t.test('a wrong use is an error that lists what there is, and a kernel mode says what to use', async t => {
  const { at } = await startHalf(t)
  for (const [args, stderr] of [
    [['wep'], /No Service "wep" in namespace "default"; did you mean "web"\?\n +There are: dns, half, web/],
    [['-n', 'defualt'], /No Service in namespace "defualt"; did you mean "default"\?\n +There are: default/],
    [['--client', '10.244.0.0/40'], /client="10\.244\.0\.0\/40": expected an IP address, or a range such as/],
    [['--pod', 'a'], /pod="a": expected the IP address of a Pod/],
    [['--status-socket', '/nonexistent/s'], /No proxy answers at the status socket "\/nonexistent\/s"/],
  ] as const)
    t.match(await runProgram(['trace', ...at, ...args]), { exitCode: 1, stdout: '', stderr }, args.join(' '))
  const kernel = await StatusNode.create(t, ['--proxy-mode=iptables'])
  await kernel.start()
  t.match(await runProgram(['trace', '--status-socket', kernel.socket]), {
    ...{ exitCode: 1, stdout: '' },
    stderr: /In iptables mode the kernel carries connections: they do not pass through the proxy.*\n +Use conntrack -E/,
  })
})
