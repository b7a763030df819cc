import { connect } from 'node:net'

const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n'

/**
 * Opens one connection with one HTTP request, with as little work as possible.
 * @returns the body of the answer
 * @throws Error without an answer within `limitMs` milliseconds
 */
export function requestOnce(ip: string, port: number, limitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: ip, port, noDelay: true })
    let text = ''
    const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${limitMs} ms`)), limitMs)
    socket.setEncoding('latin1')
    socket.write(REQUEST)
    socket.on('data', (data: string) => (text += data))
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      const body = text.indexOf('\r\n\r\n')
      if (text.startsWith('HTTP/1.1 200') && body > 0) resolve(text.slice(body + 4).trim())
      else reject(new Error(text === '' ? 'closed without an answer' : `answered with ${text.slice(0, 20)}`))
    })
  })
}
