import { stripVTControlCharacters } from 'node:util'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import t from 'tap'
import { parse } from 'yaml'
import { VERSION } from '../../lib/control/version.js'
import { PROXY_PROGRAM } from '../support/processes/proxy-process.js'
import { runProgram } from '../support/processes/run-program.js'
import { schemaMistakes } from '../support/status/schema-mistakes.js'
import { StatusNode } from '../support/status/status-node.js'

const WORDS = ['services', 'endpoints', 'listeners', 'connections', 'ended', 'affinity', 'rules', 'workers', 'syncs']
const LIMIT = { timeoutMs: 60_000 }
const UTF8 = { ...process.env, LC_ALL: 'C.UTF-8' }

t.test('each word shows the running proxy as a table, as JSON and as YAML', async t => {
  const status = await StatusNode.create(t, ['--proxy-mode=userspace', '--data-plane-workers=2'])
  const { node } = status
  const proxy = await status.start()
  const connection = await node.connect()
  await node.client.tcp(node.web.clusterIP, node.web.port)
  const run = async (args: readonly string[], env = UTF8) =>
    runProgram(['status', ...args, '--status-socket', status.socket], { env })
  const lines = async (...args: string[]): Promise<string[]> => (await run(args)).stdout.trimEnd().split('\n')

  await untilCounted(status, { open: 1, connections: 2 })
  const overview = (await lines()).join('\n')
  t.match(overview, new RegExp(`^PROXY +version ${VERSION}, process ${proxy.child.pid}, up \\d`, 'm'))
  t.match(overview, /^MODE +userspace: sockets of the proxy carry connections$/m)
  t.match(overview, /^HEALTH +healthy$/m)
  t.match(overview, /^WORKERS +2$/m)
  t.match(overview, /^CONNECTIONS +1 open, 2 since the start, 0 refused$/m)

  const shown = new Map<string, readonly string[]>()
  for (const word of WORDS) {
    const { exitCode, stdout, stderr } = await run([word])
    t.equal(exitCode, 0, word)
    t.notMatch(stdout, /\x1b/, 'no colour when piped')
    if (word === 'affinity') {
      t.match(
        { stdout, stderr },
        { stdout: '', stderr: 'No affinity now in namespace default; -A shows all namespaces\n' },
      )
      continue
    }
    t.match(stdout, /^[A-Z]/, `${word}: ${stderr}`)
    shown.set(word, stdout.trimEnd().split('\n'))
  }
  t.strictSame(schemaMistakes(JSON.parse((await run(['rules', '-o', 'json'])).stdout)), [])
  t.strictSame(schemaMistakes(parse((await run(['services', '-o', 'yaml'])).stdout)), [])

  const [head, ...services] = shown.get('services')!
  t.match(head, /^NAME +CLUSTER-IP +PORT +NODE-PORT +ENDPOINTS +AFFINITY +NOT-SERVED$/)
  t.match(services, [/^dns +10\.96\.0\.53 +53\/UDP +- +2\/2/, /^web +10\.96\.0\.10 +80\/TCP +30080 +2\/2 +- +-$/])
  t.match(
    (await lines('services', '-A', '-o', 'wide'))[2],
    /^default +web .* round-robin +Cluster +Cluster +10\.96\.0\.10:80,\*:30080$/,
  )
  const endpoints = await lines('endpoints', 'web')
  t.equal(endpoints.length, 3)
  t.match(endpoints[1], new RegExp(`^web +TCP +${node.ips[0]}:8080 +[01] +in +used: ready$`))
  t.match(
    shown.get('connections')![1],
    /^10\.244\.0\.\d+:\d+ +web +TCP +10\.244\.0\.\d+:8080 +open +\d+m?s +1 +5B +5B$/,
  )
  t.match(shown.get('ended')![1], / closed /)
  t.match(shown.get('rules')!.join('\n'), /nat +PREROUTING +1 +\d+ +All packets/)
  t.match(shown.get('workers'), [/^PID +ROLE +SOCKETS$/, /control +-$/, /worker 0 +yes$/, /worker 1 +yes$/])
  const syncs = shown.get('syncs')!.join('\n')
  t.match(syncs, / IPv4 +done +[\d.]+ ms +\d+ .*default\/web\/TCP/)
  t.match(syncs, /default\/dns\/UDP/)
  const limited = await run(['rules', '--limit', '1'])
  t.equal(limited.stdout.trimEnd().split('\n').length, 2)
  t.match(limited.stderr, /^These are the first 1 rules, and there are more/)
  connection.end()
})

/** Resolves when the proxy has counted these connections; it throws if it does not. */
async function untilCounted(status: StatusNode, traffic: { readonly open: number; readonly connections: number }) {
  await status.until('/v1', `${JSON.stringify(traffic)} of the overview`, body => {
    const counted = (body as { readonly traffic: typeof traffic }).traffic
    return counted.open === traffic.open && counted.connections === traffic.connections ? counted : undefined
  })
}

t.test(
  'on a terminal there is colour unless NO_COLOR is set, ASCII where needed, and rows fit a narrow one',
  async t => {
    const status = await StatusNode.create(t, ['--proxy-mode=iptables'])
    await status.start()
    const onTerminal = async (columns: number, args: string, env: string) => {
      const program = `${process.execPath} ${PROXY_PROGRAM} status ${args} --status-socket ${status.socket}`
      const command = `stty cols ${columns}; env -u NO_COLOR -u FORCE_COLOR -u LC_ALL TERM=xterm ${env} ${program}`
      const { stdout } = await status.node.network.node.run('script', ['-qec', command, '/dev/null'], LIMIT)
      return stdout.replaceAll('\r', '')
    }
    const coloured = await onTerminal(120, 'services', 'LC_ALL=C.UTF-8')
    t.match(coloured, /\x1b\[32m2\/2\x1b\[0m/)
    t.notMatch(await onTerminal(120, 'services', 'LC_ALL=C.UTF-8 NO_COLOR=1'), /\x1b/)
    const narrow = stripVTControlCharacters(await onTerminal(60, 'rules', 'LC_ALL=C')).split('\n')
    t.ok(
      narrow.some(line => line.startsWith('    ')),
      'what does not fit goes to the next line',
    )
    t.notMatch(narrow.join('\n'), /[^\x00-\x7f]/)
    t.match(await runProgram(['status', 'connections', '--status-socket', status.socket], { env: UTF8 }), {
      exitCode: 0,
      stdout: '',
      stderr: /^In iptables mode the kernel carries connections/,
    })
  },
)

t.test('a watch shows what is new or different, outlives a proxy, and ends with its reader', async t => {
  const status = await StatusNode.create(t, ['--proxy-mode=userspace'])
  const { node } = status
  const proxy = await status.start()
  const args = [PROXY_PROGRAM, 'status', 'endpoints', 'web', '--watch', '--status-socket', status.socket]
  const watch = node.network.start(node.network.node, process.execPath, args)
  const lines = createInterface({ input: watch.stdout! })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => String((await lines.next()).value)
  t.match([await next(), await next(), await next()], [/^SERVICE/, / in /, / in /])
  const [first, second] = node.ips
  const [slice] = node.slices(node.ips)
  const endpoints = [
    { addresses: [first], conditions: { ready: true } },
    { addresses: [second], conditions: { ready: false } },
  ]
  node.manifests.write(...node.services, { ...slice, endpoints })
  t.match(await next(), new RegExp(`^web +TCP +${second}:8080 +- +out +not used: not ready$`))
  // The next proxy answers after some seconds without one.
  t.equal(await proxy.stop(), 0)
  await status.start()
  node.write(node.ips)
  // It may answer before it has opened its sockets: then a dash stands for the number of connections.
  const served = new RegExp(`^web +TCP +${second}:8080 +0 +in +used: ready$`)
  let line = await next()
  while (!served.test(line) && line !== 'undefined') line = await next()
  t.match(line, served)
  const ended = once(watch, 'exit')
  watch.stdout!.destroy()
  node.manifests.write(...node.services, { ...slice, endpoints })
  t.strictSame(await ended, [0, null], 'the reader has gone')
})

t.test('a wrong use is an error that lists what there is', async t => {
  const status = await StatusNode.create(t, ['--proxy-mode=iptables'])
  await status.start()
  const at = ['--status-socket', status.socket]
  const wrong: readonly (readonly [args: readonly string[], stderr: RegExp])[] = [
    [
      ['endpoints', 'wep', ...at],
      /No Service "wep" in namespace "default"; did you mean "web"\?\n +There are: dns, web/,
    ],
    [
      ['services', '--status-socket', '/nonexistent/s'],
      /No proxy answers at the status socket "\/nonexistent\/s".*\n +Start kube-proxy, or name its socket/,
    ],
    [['rules', '--limit', 'many', ...at], /limit="many": expected a number from 1/],
  ]
  for (const [args, stderr] of wrong)
    t.match(await runProgram(['status', ...args]), { exitCode: 1, stdout: '', stderr }, args.join(' '))
  t.match(await runProgram(['status', 'services', '-n', 'defualt', ...at]), {
    ...{ exitCode: 0, stdout: '' },
    stderr: 'No Service in namespace "defualt"; did you mean "default"?\n',
  })
})
