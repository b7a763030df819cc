import { runAptGet } from './apt-get.mjs'

/** Debian runs this program to learn whether a package that was just installed may start its service. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'
/** A line of the policies that are written here: a machine's own policy stays as it is. */
const POLICY_MARK = '# written by the setup of kube-proxy-node'

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

/**
 * The policy exists only while apt-get holds the lock of dpkg. If it existed during the wait for the lock, it would also apply to the
 * program that has the lock: an upgrade of the machine could not start again the services that it upgrades.
 */
function servicePolicyHooks(path) {
  const isOurs = `grep -qsx '${POLICY_MARK}' ${path}`
  const write = `printf '#!/bin/sh\\n${POLICY_MARK}\\nexit 101\\n' > ${path} && chmod 755 ${path}`
  return [
    ...['-o', `DPkg::Pre-Invoke::=if [ ! -e ${path} ] || ${isOurs}; then ${write}; fi`],
    ...['-o', `DPkg::Post-Invoke::=if ${isOurs}; then rm ${path}; fi`],
  ]
}
