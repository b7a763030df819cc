import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse, createServer, get } from 'node:http'
import { type AddressInfo } from 'node:net'
import t from 'tap'
import { sendSigns } from '../../lib/demo-page/send-signs.js'

t.test('an answer that is silent sends empty lines until its end', async t => {
  const server = createServer()
  t.teardown(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sent = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  const [, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
  response.flushHeaders()
  const end = sendSigns(response, 1)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  while (text.length < 3) await once(answer, 'data')
  t.match(text, /^\n+$/)
  end()
  response.end('{}\n')
  await once(answer, 'end')
  t.match(text, /^\n+\{\}\n$/)
})
