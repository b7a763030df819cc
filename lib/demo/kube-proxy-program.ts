import { fileURLToPath } from 'node:url'

/** The path of the program `kube-proxy`, which the demo runs on its node. */
export const KUBE_PROXY_PROGRAM = fileURLToPath(new URL('../../bin/kube-proxy.js', import.meta.url))
