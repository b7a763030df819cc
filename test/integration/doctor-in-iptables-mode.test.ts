/** Runs the test for all modes in iptables mode: the doctor names each fault first. */
process.env['PROXY_MODE'] = 'iptables'
await import('./doctor.test.js')

export {}
