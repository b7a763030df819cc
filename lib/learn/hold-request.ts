import { type Lab } from '../ask/lab.js'

/** Starts a request that its Pod answers only after a minute, and waits until a Pod has the connection. @returns what ends it */
export async function holdRequest(lab: Lab): Promise<() => Promise<void>> {
  const request = lab.start('client', 'curl', '-s', `http://${lab.service.clusterIP}/?wait=60000`)
  await lab.until(
    ({ output }) => output !== '',
    async () => {
      const looks = await Promise.all(
        lab.pods.map(pod => lab.run(pod, 'ss', '-Htn', 'state', 'established', 'sport', '=', ':80')),
      )
      return looks.find(({ output }) => output !== '') ?? looks[0]!
    },
  )
  return () => request.stop()
}
