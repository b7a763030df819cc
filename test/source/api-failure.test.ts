import t from 'tap'
import { ProxyFailure } from '../../lib/model/failure.js'
import { ApiRefusal } from '../../lib/source/api-failure.js'

t.test('a refusal names the request, the response and what to do', test => {
  const body = JSON.stringify({ kind: 'Status', message: 'services is forbidden' })
  const request = { server: 'https://api', path: '/api/v1/services' }
  const refusal = new ApiRefusal(request, { status: 403, headers: {}, body, now: 0 })
  test.equal(
    refusal.message,
    'GET /api/v1/services from https://api failed with status 403 (services is forbidden), expected 200',
  )
  test.match(refusal.hint, 'system:node-proxier')
  const watch = new ApiRefusal(
    { server: 'https://api', path: '/api/v1/nodes?labelSelector=%21x&watch=true&resourceVersion=7' },
    { status: 410, headers: {}, body, now: 0 },
  )
  test.match(
    watch.message,
    'GET /api/v1/nodes?watch=true from https://api failed',
    'without the query, which explains nothing',
  )
  test.ok(refusal instanceof ProxyFailure)
  const html = new ApiRefusal(request, { status: 502, headers: {}, body: '<html>\n<h1>Bad gateway', now: 0 })
  test.match(html.message, '502 (<html> <h1>Bad gateway)')
  test.end()
})

t.test('Retry-After is seconds or a date, and has a maximum', test => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  const retryAfter = (value: string) =>
    new ApiRefusal({ server: '', path: '' }, { status: 429, headers: { 'retry-after': value }, body: '', now })
      .retryAfterMs
  test.equal(retryAfter('7'), 7000)
  test.equal(retryAfter('Thu, 01 Jan 2026 00:00:30 GMT'), 30_000)
  test.equal(retryAfter('Wed, 31 Dec 2025 00:00:00 GMT'), 0)
  test.equal(retryAfter('99999999'), 300_000)
  test.equal(retryAfter('soon'), undefined)
  test.end()
})
