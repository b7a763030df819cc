import { NODE_IP } from '../nodes/node-network.js'

/** The node that both proxies are on, and another one. */
export const NODE_NAME = 'this-node'
export const OTHER_NODE = 'other-node'
export const ZONE = 'a'

/** Pods of this node and of the other. */
export const LOCAL_POD_IPS = ['10.244.0.2', '10.244.0.3'] as const
export const REMOTE_POD_IPS = ['10.244.1.2', '10.244.1.3'] as const

export const CLUSTER_CIDR = '10.244.0.0/16'

/** An address that a load balancer has put on the node. */
export const NODE_LB_IP = '198.51.100.250'

/** Addresses of the node as the kernel knows them. */
export const NODE_ADDRESSES = [NODE_IP, '10.244.0.1', NODE_LB_IP, '127.0.0.1'] as const
