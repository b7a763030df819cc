import { type Lab, type Ran } from '../ask/lab.js'
import { type HeldRequest } from './lesson.js'

/** How long the Pod would wait with its answer, in milliseconds: a day, longer than a user thinks about a prediction. */
const WAIT_MS = 24 * 60 * 60 * 1000

/** Starts a request that its Pod does not answer, and waits until a Pod has the connection. */
export async function holdRequest(lab: Lab): Promise<HeldRequest> {
  const request = lab.start('client', 'curl', '-s', `http://${lab.service.clusterIP}/?wait=${WAIT_MS}`)
  const look = async () => {
    const looks = await Promise.all(
      lab.pods.map(pod => lab.run(pod, 'ss', '-Htn', 'state', 'established', 'sport', '=', ':80')),
    )
    return looks.find(({ output }) => output !== '') ?? looks[0]!
  }
  const isOpen = ({ output }: Ran): boolean => output !== ''
  await lab.until(isOpen, look)
  return { isOpen: async () => isOpen(await look()), end: () => request.stop() }
}
