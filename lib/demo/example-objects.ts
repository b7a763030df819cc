import { type Deployment, type DemoService } from './cluster-objects.js'

/** The Deployment of the Kubernetes documentation. */
export const EXAMPLE_DEPLOYMENT: Deployment = {
  name: 'nginx-deployment',
  replicas: 3,
  image: 'nginx:1.14.2',
  labels: { app: 'nginx' },
  ports: [{ name: '', containerPort: 80, protocol: 'TCP' }],
}

export const EXAMPLE_SERVICE: DemoService = {
  name: 'nginx-service',
  clusterIP: '10.96.0.10',
  selector: { app: 'nginx' },
  affinity: false,
  ports: [{ name: '', port: 80, targetPort: 80, protocol: 'TCP' }],
}

/** The DNS of the cluster: Pods behind a Service, over UDP. */
export const DNS_DEPLOYMENT: Deployment = {
  name: 'coredns',
  replicas: 2,
  image: 'coredns',
  labels: { 'k8s-app': 'kube-dns' },
  ports: [{ name: 'dns', containerPort: 53, protocol: 'UDP' }],
}

export const DNS_SERVICE: DemoService = {
  name: 'kube-dns',
  clusterIP: '10.96.0.53',
  selector: { 'k8s-app': 'kube-dns' },
  affinity: false,
  ports: [{ name: 'dns', port: 53, targetPort: 'dns', protocol: 'UDP' }],
}

/** The domain that the resolver of a Pod appends to a short name. */
export const SEARCH_DOMAIN = 'default.svc.cluster.local'
