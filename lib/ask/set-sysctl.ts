import { type Change, changePlace } from './change-place.js'
import { type Lab } from './lab.js'

/** Sets a sysctl of the node, until it is undone: then it has the value that it had. */
export async function setSysctl(lab: Lab, name: string, value: string): Promise<Change> {
  const { output: before } = await lab.run('node', 'sysctl', '-n', name)
  return changePlace(lab, 'node', ['sysctl', '-w', `${name}=${value}`], ['sysctl', '-w', `${name}=${before}`])
}
