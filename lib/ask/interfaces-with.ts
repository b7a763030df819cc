import { type Lab, type Ran } from './lab.js'

/** The interfaces of the node, and how many of them have an address. */
export async function interfacesWith(
  lab: Lab,
  address: string,
): Promise<{ readonly ran: Ran; readonly interfaces: number; readonly holders: number }> {
  const ran = await lab.run('node', 'ip', '-4', '-brief', 'address')
  const lines = ran.output.split('\n')
  return { ran, interfaces: lines.length, holders: lines.filter(line => line.includes(` ${address}/`)).length }
}
