/** The tests of the data plane, with two worker processes that bind their sockets themselves, as where Node.js cannot hand them over. */
process.env['PLANE_WORKERS'] = '2'
process.env['PLANE_HANDS_SOCKETS'] = 'no'
await import('./tcp/tcp-proxy.test.js')
await import('./udp/udp-proxy.test.js')

export {}
