/** Runs the test for all modes in iptables mode: packets go where explain says. */
process.env['PROXY_MODE'] = 'iptables'
await import('./explain.test.js')

export {}
