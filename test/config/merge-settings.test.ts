import t from 'tap'
import { flagSettings } from '../../lib/config/flag-settings.js'
import { FLAGS } from '../../lib/config/options.js'
import { mergeSettings, type Setting } from '../../lib/config/settings.js'

const FROM_FILE = new Map<string, Setting>(
  FLAGS.map(({ name }) => [name, { value: 'file', place: `c.conf:1: ${name}`, source: 'file' }]),
)

/** Flags that kube-proxy honours beside `--config`. */
const OF_KUBE_PROXY = [
  'config',
  'write-config-to',
  'cleanup',
  'cleanup-ipvs',
  'init-only',
  'hostname-override',
  'master',
]
const LOG_FLAGS = ['v', 'logging-format', 'vmodule', 'log-flush-frequency', 'log-file', 'logtostderr']

t.test('the file replaces flags, except those that kube-proxy honours beside it and those that it does not have', t => {
  for (const { name, extension } of FLAGS) {
    const { settings } = flagSettings({ [name]: 'flag' })
    const merged = mergeSettings(settings, FROM_FILE)
    const overrides = merged.settings.get(name)?.value === 'flag'
    const isLogFlag = LOG_FLAGS.includes(name) || merged.settings.get(name)?.place === `--${name}`
    t.equal(overrides, OF_KUBE_PROXY.includes(name) || extension === true || isLogFlag, name)
    t.equal(merged.notes.length, overrides ? 0 : 1, name)
  }
  for (const name of [...OF_KUBE_PROXY, ...LOG_FLAGS])
    t.equal(mergeSettings(flagSettings({ [name]: 'flag' }).settings, FROM_FILE).settings.get(name)?.value, 'flag', name)
  for (const name of ['kubeconfig', 'cluster-cidr', 'proxy-mode', 'metrics-bind-address', 'feature-gates', 'profiling'])
    t.equal(mergeSettings(flagSettings({ [name]: 'flag' }).settings, FROM_FILE).settings.get(name)?.value, 'file', name)
  t.end()
})

t.test('one note names all flags without effect', t => {
  const { settings } = flagSettings({ 'proxy-mode': 'ipvs', 'cluster-cidr': '10.0.0.0/8', v: '2', config: 'c.conf' })
  const { notes } = mergeSettings(settings, new Map())
  t.match(notes, [{ isWarning: true, fields: { flags: '--cluster-cidr --proxy-mode' } }])
  t.equal(notes.length, 1)
  t.end()
})

t.test('a list of modes, which kube-proxy does not know, overrides the mode in the file', t => {
  const { settings, notes } = mergeSettings(flagSettings({ 'proxy-mode': 'ipvs,userspace' }).settings, FROM_FILE)
  t.equal(settings.get('proxy-mode')?.value, 'ipvs,userspace')
  t.same(notes, [])
  t.end()
})
