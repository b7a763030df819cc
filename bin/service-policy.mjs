import { readFileSync, rmSync, statSync } from 'node:fs'
import { findDpkgLock } from './apt-get.mjs'

/** Debian runs this program to learn whether a package that was just installed may start its service. */
export const SERVICE_POLICY = '/usr/sbin/policy-rc.d'
/** A line of the policies that are written here: a machine's own policy stays as it is. */
const POLICY_MARK = '# written by the setup of kube-proxy-node'

/**
 * Options of apt-get that let no package start its service.
 *
 * The policy exists only while apt-get holds the lock of dpkg. If it existed during the wait for the lock, it would also apply to the
 * program that has the lock: an upgrade of the machine could not start again the services that it upgrades.
 */
export function servicePolicyHooks(path) {
  const isOurs = `grep -qsx '${POLICY_MARK}' ${path}`
  const write = `printf '#!/bin/sh\\n${POLICY_MARK}\\nexit 101\\n' > ${path} && chmod 755 ${path}`
  return [
    ...['-o', `DPkg::Pre-Invoke::=if [ ! -e ${path} ] || ${isOurs}; then ${write}; fi`],
    ...['-o', `DPkg::Post-Invoke::=if ${isOurs}; then rm ${path}; fi`],
  ]
}

/**
 * Removes the policy of a setup that was ended while dpkg worked: with it, no package of this machine could start its service any more.
 * It stays while a program holds the lock of dpkg: that program may be another setup, which uses it.
 */
export function removeLeftPolicy({ servicePolicy = SERVICE_POLICY, env = process.env } = {}) {
  const found = readOwnPolicy(servicePolicy)
  if (found === undefined || findDpkgLock(env) !== undefined) return
  // A setup that has begun meanwhile has written its own.
  if (readOwnPolicy(servicePolicy) === found) rmSync(servicePolicy, { force: true })
}

/** @returns {number | undefined} when the policy was written, if it was written here */
function readOwnPolicy(path) {
  try {
    return readFileSync(path, 'utf8').split('\n').includes(POLICY_MARK) ? statSync(path).mtimeMs : undefined
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
