import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type FlagValues } from '../../lib/config/flag-settings.js'
import { readConfig } from '../../lib/config/read-config.js'
import { chooseSource } from '../../lib/control/choose-source.js'
import { discardEvents } from '../../lib/model/event-sink.js'
import { MODES } from '../../lib/modes/registry.js'
import { EventRecorder } from '../../lib/source/event-recorder.js'
import { KubernetesSource } from '../../lib/source/kubernetes-source.js'
import { ManifestSource } from '../../lib/source/manifest-source.js'
import { realClock } from '../../lib/system/real-clock.js'
import { RecordingLog } from '../support/log/recording-log.js'

const folder = mkdtempSync(join(tmpdir(), 'choose-source-'))
t.teardown(() => rmSync(folder, { recursive: true }))

const choose = (flags: FlagValues) =>
  chooseSource(readConfig(flags, 'node-1', MODES).config, realClock, new RecordingLog())

t.test('manifests come before a cluster, and there are no events about them', async t => {
  const { source, events } = await choose({ manifests: [folder], master: 'http://127.0.0.1:1' })
  t.ok(source instanceof ManifestSource)
  t.equal(events, discardEvents)
})

t.test('an API server is the source of objects and gets the events', async t => {
  const { source, events } = await choose({ master: 'http://127.0.0.1:1' })
  t.ok(source instanceof KubernetesSource)
  t.ok(events instanceof EventRecorder)
})

t.test('a kubeconfig that is missing or broken is an error that names the file', async t => {
  const broken = join(folder, 'kubeconfig')
  writeFileSync(broken, 'clusters: [')
  for (const kubeconfig of [broken, join(folder, 'missing')])
    await t.rejects(choose({ kubeconfig }), { code: 'KUBECONFIG_INVALID', message: new RegExp(kubeconfig) }, kubeconfig)
})
