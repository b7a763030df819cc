/** The tests of the data plane, with the sockets in a worker process. */
process.env['PLANE_WORKERS'] = '1'
await import('./tcp.test.js')
await import('./udp.test.js')

export {}
