import { execFileSync } from 'node:child_process'
import t from 'tap'
import { isFlag } from '../../lib/config/option.js'
import { FLAGS, OPTIONS, OPTION_GROUPS } from '../../lib/config/options.js'
import { readConfig } from '../../lib/config/read-config.js'
import { MODES } from '../../lib/modes/registry.js'
import { KUBE_PROXY_FIELDS, KUBE_PROXY_FLAGS } from '../support/config/kube-proxy-options.js'
import { originalProgram, originalUnavailable } from '../support/processes/original-kube-proxy.js'

void t.test('every option has a help text, a valid default, and a reason if it has no effect or needs a restart', t => {
  t.equal(new Set(OPTIONS.map(({ name }) => name)).size, OPTIONS.length, 'no name is used twice')
  const fields = OPTIONS.flatMap(({ field }) => field ?? [])
  t.equal(new Set(fields).size, fields.length, 'no field is used twice')
  for (const option of OPTIONS) {
    const { name, kind, help, value, effect = 'honoured' } = option
    t.match(help, /^[A-Z].*[^.]$/s, `${name} has a help text in the usual form`)
    if (isFlag(option))
      t.equal(value === undefined, kind === 'switch', `--${name} has a placeholder unless it is a switch`)
    if (effect === 'honoured') continue
    const reason = 'none' in effect ? effect.none : effect.refused
    t.match(reason, /^[a-z0-9-].*[^.]$/s, `${name} has a reason in the usual form`)
  }
  for (const { name, field, effect = 'honoured', isLive, restart } of OPTIONS) {
    const canChange = field !== undefined && effect === 'honoured'
    const isOne = canChange && (isLive === true) !== (restart !== undefined)
    t.ok(canChange ? isOne : restart === undefined, `${name} is live, or says why it needs a restart, if a file has it`)
    if (restart !== undefined) t.match(restart, /^[a-z0-9-].*[^.]$/s, `${name} has its reason in the usual form`)
  }
  const spelledOut = Object.fromEntries(FLAGS.map(({ name, default: byDefault }) => [name, byDefault]))
  const { config, problems } = readConfig(spelledOut, 'node-a', MODES)
  t.same({ config, problems }, pick(readConfig({}, 'node-a', MODES)), 'a spelled-out default changes nothing')
  t.end()
})

function pick({ config, problems }: ReturnType<typeof readConfig>) {
  return { config, problems }
}

void t.test('every flag of kube-proxy 1.20 to 1.37 is read, and no other one is said to be its own', t => {
  const names = new Set(FLAGS.map(({ name }) => name))
  for (const flag of KUBE_PROXY_FLAGS) t.ok(names.has(flag), `--${flag}`)
  // `resource-container` is older than 1.20.
  const known = new Set([...KUBE_PROXY_FLAGS, 'resource-container'])
  const own = FLAGS.filter(({ extension }) => extension !== true).map(({ name }) => name)
  t.same(
    own.filter(name => !known.has(name)),
    [],
  )
  t.end()
})

void t.test('every flag in the help of the original kube-proxy is read', { skip: originalUnavailable }, t => {
  const help = execFileSync(originalProgram()!, ['--help'], { encoding: 'utf8' })
  const flags = [...help.matchAll(/^ +(?:-\w, )?--([\w-]+)/gm)].map(([, name]) => name!.replaceAll('_', '-'))
  t.ok(flags.length > 50, `${flags.length} flags`)
  const names = FLAGS.map(({ name }) => name)
  t.same(
    flags.filter(name => !names.includes(name)),
    ['help', 'version'],
  )
  t.end()
})

void t.test('every field of KubeProxyConfiguration 1.10 to 1.37 is read, and no other one is said to be its own', t => {
  const fields = new Set(OPTIONS.flatMap(({ field }) => field ?? []))
  for (const field of KUBE_PROXY_FIELDS) t.ok(fields.has(field), field)
  const own = [...fields].filter(field => !field.startsWith('userspace.'))
  t.same(
    own.filter(field => !KUBE_PROXY_FIELDS.includes(field)),
    [],
  )
  t.end()
})

void t.test('what kube-proxy does not have is in the section "userspace" of the file', t => {
  for (const { name, field, extension } of OPTIONS)
    t.equal(extension === true, field?.startsWith('userspace.') ?? false, name)
  t.equal(OPTION_GROUPS.flatMap(({ options }) => options).length, OPTIONS.length)
  t.end()
})
