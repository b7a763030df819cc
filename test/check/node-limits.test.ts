import t from 'tap'
import { type LimitFacts, describeLimits, parseSettingsAccess } from '../../lib/check/node-limits.js'
import { readConfig } from '../../lib/config/read-config.js'
import { type FlagValues } from '../../lib/config/flag-settings.js'
import { MODES } from '../../lib/modes/registry.js'

const AMPLE: LimitFacts = {
  files: 1_048_576,
  conntrack: { entries: 10, limit: 262_144 },
  ports: 28_232,
  mayWriteSettings: true,
  cpuCount: 2,
}

/** The advice about each limit that is low, by its name. */
function adviceFor(facts: Partial<LimitFacts>, flags: FlagValues = {}): Record<string, string> {
  const { conntrack } = readConfig(flags, 'node-1', MODES).config
  const reports = describeLimits({ ...AMPLE, ...facts }, conntrack)
  return Object.fromEntries(reports.flatMap(({ limit, advice }) => (advice === null ? [] : [[limit, advice]])))
}

t.test('there is advice about each limit that is low, and about no other one', t => {
  t.strictSame(adviceFor({}), {})
  t.match(adviceFor({ files: 1024 }), { 'open files of a process': /LimitNOFILE/ })
  t.match(adviceFor({ conntrack: { entries: 10, limit: 65_536 } }), { 'conntrack entries': /./ })
  t.match(adviceFor({ ports: 1000 }), { 'source ports': /ip_local_port_range/ })
  t.equal(Object.keys(adviceFor({ files: 1024, conntrack: { entries: 0, limit: 1 }, ports: 1 })).length, 3)
  t.strictSame(adviceFor({ files: 8192, conntrack: { entries: 0, limit: 131_072 }, ports: 16_384 }), {}, 'just enough')
  t.strictSame(adviceFor({ conntrack: undefined, ports: undefined }), {}, 'the kernel does not say')
  t.end()
})

t.test('the advice about conntrack entries says who raises their number', t => {
  const low = { conntrack: { entries: 10, limit: 65_536 } }
  const adviceWith = (facts: Partial<LimitFacts>, flags?: FlagValues) =>
    adviceFor({ ...low, ...facts }, flags)['conntrack entries']
  t.match(adviceWith({}), /^The proxy raises it to 131072 at its start/)
  t.match(adviceWith({ cpuCount: 64 }), /^The proxy raises it to 2097152 at its start/)
  t.match(adviceWith({ mayWriteSettings: false }), /^Raise net\.netfilter\.nf_conntrack_max on the node; this process/)
  for (const flags of [{ 'conntrack-max-per-core': '0' }, { 'conntrack-max-per-core': '100', 'conntrack-min': '0' }])
    t.match(adviceWith({}, flags), /^Raise net\.netfilter\.nf_conntrack_max.*: the proxy does not, with these values/)
  t.end()
})

t.test('open files are said as connections: each needs two, besides those that the proxy itself needs', t => {
  const [files] = describeLimits({ ...AMPLE, files: 2096 }, readConfig({}, 'node-1', MODES).config.conntrack)
  t.match(files, { value: 2096, meaning: /about 1,000 connections in each worker/ })
  t.end()
})

t.test('a container may write settings where they are mounted a second time', t => {
  const own = 'proc /proc/sys proc ro,nosuid 0 0\n'
  t.equal(parseSettingsAccess('proc /proc proc rw 0 0\n'), true, 'no container')
  t.equal(parseSettingsAccess(own), false)
  t.equal(parseSettingsAccess(`proc /mnt/node-sysctls proc rw,nosuid 0 0\n${own}`), true)
  t.equal(parseSettingsAccess(`proc /mnt/node-sysctls proc ro,nosuid 0 0\n${own}`), false)
  t.end()
})
