// Makes the Helm chart from the manifests of deploy/base: the same objects, with some fields as values.
//
//   node deploy/helm/make-chart.mjs [FOLDER]      writes the chart; left out: deploy/helm/kube-proxy-node
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Document, Scalar, parseDocument, stringify } from 'yaml'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BASE = join(ROOT, 'deploy', 'base')
const POD = ['spec', 'template', 'spec']
const CONTAINER = [...POD, 'containers', 0]
/** Fields of the DaemonSet that are values of the chart: where each is, and the expression of the template. */
const VALUES_OF_DAEMON_SET = [
  [['spec', 'updateStrategy', 'rollingUpdate'], 'toJson .Values.rollingUpdate'],
  [[...POD, 'tolerations'], 'toJson .Values.tolerations'],
  [[...POD, 'initContainers'], 'tpl (toJson .Values.initContainers) .'],
  [[...POD, 'volumes'], 'toJson .Values.volumes'],
  [[...CONTAINER, 'image'], 'printf "%s:%s" .Values.image.repository .Values.image.tag | toJson'],
  [[...CONTAINER, 'imagePullPolicy'], 'toJson .Values.image.pullPolicy'],
  [[...CONTAINER, 'resources'], 'toJson .Values.resources'],
  [[...CONTAINER, 'securityContext'], 'toJson .Values.securityContext'],
  [[...CONTAINER, 'volumeMounts'], 'toJson .Values.volumeMounts'],
]
const SERVER =
  'required "apiServer is missing, expected the URL of the API server, such as https://127.0.0.1:6443" .Values.apiServer | toJson'
const LINE_WIDTH = 120
/** Components whose values are files for `helm install --values`. */
const COMPONENTS = ['ipvs-modules', 'node-settings']
/** The image of each container, as expressions in values: the template evaluates the values of initContainers. */
const IMAGE = {
  image: '{{ .Values.image.repository }}:{{ .Values.image.tag }}',
  imagePullPolicy: '{{ .Values.image.pullPolicy }}',
}

const read = (name, folder = BASE) => readFileSync(join(folder, name), 'utf8')
const { version, description } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

/**
 * The files of the chart.
 * @returns {Record<string, string>} the content of each, by its path in the chart
 */
export function makeChart() {
  const daemonSet = parseDocument(read('daemonset.yaml'))
  const [repository, tag] = daemonSet.getIn([...CONTAINER, 'image']).split(':')
  const values = new Document({
    apiServer: '',
    image: { repository, tag, pullPolicy: daemonSet.getIn([...CONTAINER, 'imagePullPolicy']) },
    config: parseDocument(read('config.conf')).toJS(),
    securityContext: daemonSet.getIn([...CONTAINER, 'securityContext']).toJS(daemonSet),
    resources: daemonSet.getIn([...CONTAINER, 'resources']).toJS(daemonSet),
    rollingUpdate: daemonSet.getIn(['spec', 'updateStrategy', 'rollingUpdate']).toJS(daemonSet),
    tolerations: daemonSet.getIn([...POD, 'tolerations']).toJS(daemonSet),
    initContainers: [],
    volumeMounts: daemonSet.getIn([...CONTAINER, 'volumeMounts']).toJS(daemonSet),
    volumes: daemonSet.getIn([...POD, 'volumes']).toJS(daemonSet),
  })
  comment(values, 'apiServer', 'URL of the API server, which the proxy cannot reach through a Service. Has to be set.')
  comment(values, 'image', 'The image, after `docker push`.')
  comment(values, 'config', 'KubeProxyConfiguration.')
  comment(values, 'securityContext', 'What each mode needs, and no more.')
  comment(values, 'rollingUpdate', 'For Kubernetes before 1.22: {maxUnavailable: 10%, maxSurge: null}.')
  comment(values, 'initContainers', 'The components ipvs-modules and node-settings have a file for --values each.')
  const chart = {
    apiVersion: 'v2',
    name: 'kube-proxy-node',
    description,
    type: 'application',
    version,
    appVersion: version,
  }
  return {
    'Chart.yaml': stringify(chart, { lineWidth: LINE_WIDTH }),
    'values.yaml': values.toString({ lineWidth: LINE_WIDTH }),
    ...Object.fromEntries(COMPONENTS.map(name => [`${name}.yaml`, valuesOfComponent(name, daemonSet)])),
    'templates/service-account.yaml': read('service-account.yaml'),
    'templates/cluster-role.yaml': read('cluster-role.yaml'),
    'templates/cluster-role-binding.yaml': read('cluster-role-binding.yaml'),
    'templates/config-map.yaml': configMap(),
    'templates/daemonset.yaml': template(daemonSet, VALUES_OF_DAEMON_SET),
  }
}

/** The values that do what a component does. Helm replaces lists. Kustomize puts what a patch has before the rest. */
function valuesOfComponent(name, daemonSet) {
  const { spec } = parseDocument(read('daemonset.yaml', join(ROOT, 'deploy', 'components', name))).toJS()
  const { initContainers, containers, volumes } = spec.template.spec
  const before = path => daemonSet.getIn(path).toJS(daemonSet)
  const values = new Document({
    ...(initContainers && { initContainers: initContainers.map(container => ({ ...container, ...IMAGE })) }),
    ...(containers && { volumeMounts: [...containers[0].volumeMounts, ...before([...CONTAINER, 'volumeMounts'])] }),
    ...(volumes && { volumes: [...volumes, ...before([...POD, 'volumes'])] }),
  })
  values.commentBefore = ` helm install --values ${name}.yaml`
  return values.toString({ lineWidth: LINE_WIDTH })
}

/** The ConfigMap that kustomize generates from the two files. */
function configMap() {
  const { configMapGenerator } = parseDocument(read('kustomization.yaml')).toJS()
  const [{ name, namespace, options }] = configMapGenerator
  const kubeconfig = parseDocument(read('kubeconfig.conf'))
  const object = new Document({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: options.labels },
    data: { 'config.conf': '' },
  })
  const text = new Scalar(template(kubeconfig, [[['clusters', 0, 'cluster', 'server'], SERVER]]))
  text.type = Scalar.BLOCK_LITERAL
  object.setIn(['data', 'kubeconfig.conf'], text)
  return template(object, [[['data', 'config.conf'], 'toYaml .Values.config | toJson']])
}

/** A document as text, with expressions in the place of some values. */
function template(document, values) {
  for (const [index, [path]] of values.entries()) document.setIn(path, `VALUE-${index}-`)
  const text = document.toString({ lineWidth: LINE_WIDTH })
  return values.reduce(
    (result, [, expression], index) => result.replace(`VALUE-${index}-`, () => `{{ ${expression} }}`),
    text,
  )
}

function comment(document, key, text) {
  const pair = document.contents.items.find(item => item.key.value === key)
  pair.key.commentBefore = ` ${text}`
  pair.key.spaceBefore = key !== 'apiServer'
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? join(ROOT, 'deploy', 'helm', 'kube-proxy-node')
  rmSync(folder, { recursive: true, force: true })
  for (const [name, content] of Object.entries(makeChart())) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}
