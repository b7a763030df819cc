/**
 * Lists the TCP connections of the node with others, each with the program that has the socket. On loopback, the proxy has some with the API
 * server of the demo: they carry nothing for clients.
 */
export const NODE_CONNECTIONS = ['ss', '-Htnp', 'state', 'established', 'not', 'dst', '127.0.0.1'] as const
