import t from 'tap'
import { describeMetrics } from '../support/checks/describe-metrics.js'
import {
  EXPECTED_METRIC_DIFFERENCES,
  type ExpectedMetricDifference,
} from '../support/comparison/expected-metric-differences.js'
import { namespacesUnavailable } from '../support/nodes/node-network.js'
import { originalUnavailable } from '../support/processes/original-kube-proxy.js'
import { scrapeOriginal } from '../support/processes/scrape-original.js'
import { ScrapedProxy } from '../support/processes/scraped-proxy.js'

const sentence = 'Metrics of kube-proxy 1.20.2 have the same type, labels and buckets here, or a known difference'

t.test(sentence, { skip: namespacesUnavailable || originalUnavailable, timeout: 180_000 }, async t => {
  const original = describeMetrics(await scrapeOriginal(t, t.testdir({})))
  t.ok(original.length > 20, `${original.length} metrics of the original`)
  const scraped = await ScrapedProxy.start(t)
  const ours = new Map(describeMetrics((await scraped.scrape()).text).map(metric => [metric.name, metric]))
  const seen = new Set<ExpectedMetricDifference>()

  for (const { name, type, labels, buckets } of original) {
    const differences = EXPECTED_METRIC_DIFFERENCES.filter(({ metrics }) => metrics.test(name))
    for (const difference of differences) seen.add(difference)
    const here = ours.get(name)
    if (differences.some(({ isAbsent }) => isAbsent)) {
      t.equal(here, undefined, `${name} is not exported`)
      continue
    }
    if (here === undefined) {
      t.fail(`${name} is exported`)
      continue
    }
    const less = differences.flatMap(each => each.labels?.less ?? [])
    const more = differences.flatMap(each => each.labels?.more ?? [])
    for (const label of less) t.ok(labels.includes(label), `${name} of the original still has the label ${label}`)
    const expectedLabels = [...labels.filter(label => !less.includes(label)), ...more].sort()
    t.equal(here.type, type, `${name}: type`)
    t.strictSame(here.labels, expectedLabels, `${name}: labels`)
    if (differences.some(({ hasOtherBuckets }) => hasOtherBuckets)) t.not(here.buckets.join(), buckets.join(), name)
    else t.strictSame(here.buckets, buckets, `${name}: buckets`)
  }
  for (const difference of EXPECTED_METRIC_DIFFERENCES)
    t.ok(seen.has(difference), `the difference still exists: ${difference.metrics}`)
  t.equal(await scraped.proxy.stop(), 0)
})
