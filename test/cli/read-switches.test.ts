import t from 'tap'
import { readSwitches } from '../../lib/cli/read-switches.js'
import { runProgram } from '../support/processes/run-program.js'
import { serveStatus } from '../support/status/served-status.js'

t.test('a switch of a command takes each form of true and false, and no other value', t => {
  for (const [given, read] of [
    ['--watch', '--watch'],
    ['--watch=1', '--watch=true'],
    ['--watch=T', '--watch=true'],
    ['--watch=0', '--watch=false'],
    ['-w=1', '-w=true'],
    ['-Aw=False', '-Aw=false'],
    ['--limit=1', '--limit=1'],
    ['-o=1', '-o=1'],
  ] as const)
    t.strictSame(readSwitches(['status', given, 'services']), ['status', read, 'services'], given)
  for (const wrong of ['maybe', '', 'yes', 'tRUE', '2', 'true\n', '\u001b[2J'])
    for (const name of ['--watch', '-w', '-Aw'])
      t.throws(() => readSwitches(['status', `${name}=${wrong}`]), {
        code: 'CONFIG_INVALID',
        message: `${name} ${JSON.stringify(wrong)}: expected true or false`,
      })
  t.strictSame(readSwitches(['-v=2', '--watch=maybe']), ['-v=2', '--watch=maybe'], 'those of the proxy are its own')
  t.end()
})

t.test('each switch that the help of a command shows is checked', async t => {
  let checked = 0
  for (const command of ['status', 'trace', 'doctor', 'learn']) {
    const { stdout } = await runProgram([command, '--help'])
    // A long description has several lines.
    const options = stdout.split(/\n(?= +(?:-\w, +)?--)/).filter(text => text.includes('[boolean]'))
    for (const option of options) {
      const names = /^ +(?:(-\w), +)?(--[\w-]+)/.exec(option)!.slice(1)
      for (const name of names.filter(each => each !== undefined && !/^(-h|--help|--version)$/.test(each))) {
        checked++
        t.throws(() => readSwitches([command, `${name}=maybe`]), { code: 'CONFIG_INVALID' }, `${command} ${name}`)
      }
    }
  }
  t.equal(checked, 10)
})

t.test('a wrong value of a switch ends the program, and a switch that is given twice counts', async t => {
  const seen: (string | null)[] = []
  const answer = (search: URLSearchParams) => {
    seen.push(search.get('namespace'))
    return { apiVersion: 'v1', kind: 'ServiceList', proxyVersion: '1.0.0', items: [], notes: [] }
  }
  const { path, server } = serveStatus(t, { routes: new Map([['services', answer]]) })
  await server.bound
  const ask = (...args: readonly string[]) => runProgram(['status', 'services', '--status-socket', path, ...args])
  t.match(await ask('--watch=maybe'), { exitCode: 1, stderr: /--watch "maybe": expected true or false/ })
  for (const args of [['-A'], ['-A', '-A'], ['-A=1'], ['-A=false'], ['-A', '--all-namespaces=0']])
    t.match(await ask(...args), { exitCode: 0 }, args.join(' '))
  t.strictSame(seen, [null, null, null, 'default', 'default'])
})

t.test('a switch of the proxy does not take the sender of explain for its value', async t => {
  const args = ['10.0.0.1:80', '--rules=kernel', '-o', 'json']
  const { stdout, stderr } = await runProgram(['explain', '--masquerade-all', 'node', ...args])
  t.equal(stderr, '')
  t.match(JSON.parse(stdout), { from: { kind: 'node' }, to: { address: '10.0.0.1' } })
  t.match(await runProgram(['explain', '--masquerade-all=maybe', 'node', ...args]), {
    exitCode: 1,
    stderr: /--masquerade-all "maybe": expected true or false/,
  })
})
