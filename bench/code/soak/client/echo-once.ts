import { type BenchService } from '../../testbed/bench-service.js'
import { EchoConnection, type EchoOptions } from './echo-connection.js'

const REQUEST = Buffer.from('a request of some bytes, to be sent back\n')

/** Opens a connection, sends one request and ends it. @returns the address of the Pod that answered @throws Error on any failure */
export async function echoOnce(service: BenchService, options: EchoOptions = {}): Promise<string> {
  const connection = await EchoConnection.open(service, options)
  try {
    await connection.echo(REQUEST)
    await connection.end()
    return connection.pod
  } finally {
    connection.destroy()
  }
}
