import { setTimeout } from 'node:timers/promises'
import { type TeardownScope } from '../../../test/support/nodes/node-network.js'
import { type ProxyProcess } from '../../../test/support/processes/proxy-process.js'
import { thisProxy, startThisProxy } from '../contenders/this-proxy.js'
import { readEnvironment } from '../report/environment.js'
import { makeApiObjects } from '../testbed/api-objects.js'
import { SMALL_CLUSTER } from '../testbed/bench-service.js'
import { Testbed } from '../testbed/testbed.js'
import { Churn } from './churn/churn.js'
import { type ClientReport, SoakClient } from './client/soak-client.js'
import { ProxyProbe } from './proxy-probe.js'
import { METRICS_URL, SOAK_ARGS } from './soak-args.js'
import { PERMANENT_SERVICES } from './soak-services.js'
import { type SoakResults, type SoakSample } from './soak-results.js'
import { startPods } from './start-pods.js'

const SAMPLE_MS = 1000
/** The metrics are read once per this number of samples. */
const SAMPLES_PER_SCRAPE = 5

/** Called for each sample. */
export type OnSample = (sample: SoakSample, report: ClientReport) => void

/** Starts the proxy and its environment, and puts it under load for the given minutes. */
export async function runSoak(t: TeardownScope, minutes: number, onSample: OnSample): Promise<SoakResults> {
  const circumstances = readEnvironment([thisProxy], [])
  const site = await Testbed.create(t)
  const running = await startThisProxy(site, SMALL_CLUSTER, SOAK_ARGS)
  t.teardown(() => running.stop())
  await site.shortenConntrackTimes()
  await startPods(site)
  const client = new SoakClient(site)
  await running.api.put(PERMANENT_SERVICES.flatMap(makeApiObjects))
  await client.waitUntilServed(PERMANENT_SERVICES)

  const probe = new ProxyProbe(running.pids[0]!, client, METRICS_URL)
  const changes = new Churn(running.api, client)
  let failure: Error | undefined
  await client.start()
  changes.start(error => (failure ??= error))
  const samples: SoakSample[] = []
  const start = performance.now()
  for (let n = 0; n * SAMPLE_MS <= minutes * 60_000; n++) {
    await setTimeout(Math.max(0, start + n * SAMPLE_MS - performance.now()))
    if (failure !== undefined) throw failure
    checkRunning(running.proxy)
    const sample = await probe.sample(n % SAMPLES_PER_SCRAPE === 0)
    samples.push(sample)
    onSample(sample, await client.report())
  }
  const { cpuSeconds } = probe
  await changes.stop()
  await client.stop()
  if (failure !== undefined) throw failure
  return {
    circumstances,
    minutes,
    samples,
    ...(await client.report()),
    changes: changes.counts,
    log: [...running.proxy.lines],
    cpuSeconds,
  }
}

function checkRunning({ child, lines }: ProxyProcess): void {
  if (child.exitCode === null && child.signalCode === null) return
  throw new Error(`The proxy has ended. Its last lines:\n${lines.slice(-15).join('\n')}`)
}
