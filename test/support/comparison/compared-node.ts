import { NODE_IP } from '../nodes/node-network.js'

/** The node of both proxies, and another node. */
export const NODE_NAME = 'this-node'
export const OTHER_NODE = 'other-node'
export const ZONE = 'a'

/** Pods of this node and of the other node. */
export const LOCAL_POD_IPS = ['10.244.0.2', '10.244.0.3'] as const
export const REMOTE_POD_IPS = ['10.244.1.2', '10.244.1.3'] as const

export const CLUSTER_CIDR = '10.244.0.0/16'

/** An address that a load balancer has put on the node. */
export const NODE_LB_IP = '198.51.100.250'

/** The addresses of the node in the kernel. */
export const NODE_ADDRESSES = [NODE_IP, '10.244.0.1', NODE_LB_IP, '127.0.0.1'] as const
