import { runAptGet } from './apt-get.mjs'
import { SERVICE_POLICY, servicePolicyHooks } from './service-policy.mjs'

/**
 * Installs Debian packages without starting their services: a web server must not start to listen on this machine.
 *
 * @param {readonly string[]} names packages, or paths of `.deb` files
 * @returns {Promise<string | undefined>} why they could not be installed
 */
export async function installPackages(names, { servicePolicy = SERVICE_POLICY, ...options }) {
  const install = ['-qq', ...servicePolicyHooks(servicePolicy), 'install', '-y', '--no-install-recommends', ...names]
  let result = await runAptGet(install, options)
  if (result.status !== 0 && result.lock === undefined) {
    // The lists of packages may be old, or not there at all.
    const update = await runAptGet(['-qq', 'update'], options)
    result = update.lock === undefined ? await runAptGet(install, options) : update
  }
  if (result.status === 0) return undefined
  const failure = `apt-get could not install ${names.join(' ')}`
  if (result.lock === undefined) return `${failure}:\n${result.output}`
  return `${failure}: it waited too long for ${result.lock}. Try again when that program has ended.`
}
