// Makes the PrometheusRule of the Prometheus Operator from the alert rules in alerts.yaml.
//
//   node deploy/prometheus/make-prometheus-rule.mjs [FILE]      left out: deploy/prometheus/prometheus-rule.yaml
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseDocument, stringify } from 'yaml'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const LINE_WIDTH = 120
const HEAD = '# Made from alerts.yaml by make-prometheus-rule.mjs.\n'

/**
 * The manifest.
 * @returns {string} as YAML
 */
export function makePrometheusRule() {
  const { groups } = parseDocument(readFileSync(join(FOLDER, 'alerts.yaml'), 'utf8')).toJS()
  const labels = { 'k8s-app': 'kube-proxy' }
  const object = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'kube-proxy-node', namespace: 'kube-system', labels },
    spec: { groups },
  }
  return HEAD + stringify(object, { lineWidth: LINE_WIDTH })
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(process.argv[2] ?? join(FOLDER, 'prometheus-rule.yaml'), makePrometheusRule())
