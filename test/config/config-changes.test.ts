import t from 'tap'
import { configChanges } from '../../lib/config/config-changes.js'
import { type FlagValues } from '../../lib/config/flag-settings.js'
import { readConfig } from '../../lib/config/read-config.js'
import { MODES } from '../../lib/modes/registry.js'

const changes = (before: FlagValues, after: FlagValues) =>
  configChanges(readConfig(before, 'host', MODES).config, readConfig(after, 'host', MODES).config)

t.test('options that a running proxy can change are distinguished from those that need a restart', t => {
  t.same(changes({}, {}), { live: [], needRestart: [] })
  t.same(changes({ v: '1' }, { v: '2', 'metrics-bind-address': '0.0.0.0' }), {
    live: ['metrics-bind-address', 'v'],
    needRestart: [],
  })
  t.same(changes({}, { v: '2', 'proxy-mode': 'iptables' }), { live: ['v'], needRestart: ['proxy-mode'] })
  t.end()
})

t.test('a value that is only written in another way needs no restart', t => {
  t.same(changes({ 'ipvs-sync-period': '60s' }, { 'ipvs-sync-period': '1m' }).needRestart, [])
  t.same(changes({ 'ipvs-sync-period': '60s' }, { 'ipvs-sync-period': '61s' }).needRestart, ['ipvs-sync-period'])
  t.end()
})

t.test('an option without effect needs no restart', t => {
  t.same(changes({}, { 'kube-api-qps': '50' }), { live: ['kube-api-qps'], needRestart: [] })
  t.end()
})
