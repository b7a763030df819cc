import { runUntilSignal } from '../../../lib/control/run-until-signal.js'
import { readConfig } from '../../../lib/config/read-config.js'
import { MODES } from '../../../lib/modes/registry.js'
import { createKlog } from '../../../lib/observe/klog.js'
import { memoryMode } from './mode.js'

/**
 * kube-proxy with a fourth mode: `node kube-proxy-entry.js MANIFESTS`. Only the list of modes differs from the real program.
 */
const modes = [...MODES, memoryMode]
const { config } = readConfig({ 'proxy-mode': memoryMode.name, manifests: [process.argv[2]!] }, 'this-node', modes)
await runUntilSignal(config, createKlog({ verbosity: 2 }), modes)
