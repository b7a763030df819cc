/**
 * Entry of a data-plane worker process: it holds sockets, and handles the commands of its parent process. Its only argument is
 * a WorkerSettings as JSON. It must stay small and start quickly: no Kubernetes client, no metrics, no command line.
 */
import { chooseTransports } from '../dataplane/transport/choose-transports.js'
import { createKlog } from '../observe/klog.js'
import { logCrashes } from '../observe/log-crashes.js'
import { nodeResources } from '../system/node-resources.js'
import { readDescriptorLimit } from '../system/process-usage.js'
import { realClock } from '../system/real-clock.js'
import { killParent } from './control-watch.js'
import { Worker } from './worker.js'
import { WORKER_TITLE } from './is-orphan.js'
import { type WorkerMessage, type WorkerCommand, type WorkerSettings } from './worker-messages.js'

const settings = JSON.parse(process.argv[2] ?? '') as WorkerSettings
const parentPid = process.ppid
process.title = WORKER_TITLE

/** Resolves when the last message has been sent. */
let sent = Promise.resolve<unknown>(undefined)
const send = (message: WorkerMessage): void => {
  sent = new Promise(resolve => process.send!(message, resolve))
}

/** Loaded only if it is wanted, since the inspector costs memory. */
const profiler =
  settings.profiling === true ? await (await import('../system/profiler.js')).Profiler.start() : undefined
const log = createKlog({ verbosity: settings.verbosity, format: settings.logFormat ?? 'text' })
if (settings.logFormat === 'json') logCrashes(log)
const worker = new Worker({
  settings,
  clock: realClock,
  random: () => settings.roundRobinStart ?? Math.random(),
  descriptorLimit: settings.descriptorLimit ?? readDescriptorLimit(),
  node: nodeResources(settings.workers),
  transports: await chooseTransports(settings.fastPath, log),
  profiler,
  log,
  setVerbosity: level => log.setVerbosity(level),
  send,
  sent: () => sent,
  setTitle: title => (process.title = title),
  exit: () => void sent.then(() => process.exit(0)),
  killControl: () => killParent(parentPid),
})
process.on('message', (command, handle) => worker.handle(command as WorkerCommand, handle))
process.on('disconnect', () => worker.becomeOrphan())
// The parent may have ended while this process was starting: then the event is already past.
if (!process.connected) worker.becomeOrphan()
// A signal to the whole process group is for the control process, which then sends commands. Only an orphan handles it itself.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => worker.handleSignal())
// A signal that the kernel ignores by default, and that nothing else sends.
process.on('SIGURG', () => worker.releaseNodePorts())
send({ kind: 'ready' })
