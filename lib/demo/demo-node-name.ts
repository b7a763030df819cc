import { hostname } from 'node:os'

/** The name of the node of the demo: its proxy takes the name of the machine, in lower case as Kubernetes writes it. */
export const DEMO_NODE_NAME = hostname().toLowerCase()
