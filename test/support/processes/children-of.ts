import { readFileSync, readdirSync } from 'node:fs'

/** The running children of a process. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && readParentPid(name) === pid)
    .map(Number)
}

/** The data-plane workers of a proxy. */
export function workersOf(pid: number): number[] {
  return childrenOf(pid).filter(child => /\bworker\b/.test(read(child, 'cmdline')))
}

/** Those of them that run their own program: until then, such a process is the one that starts it. */
export function readyWorkersOf(pid: number): number[] {
  return workersOf(pid).filter(child => read(child, 'cmdline').startsWith('kube-proxy worker'))
}

/** The process by which a proxy notices changes of rules; undefined while none runs. */
export function monitorOf(pid: number): number | undefined {
  return childrenOf(pid).find(child => read(child, 'comm').trim() === 'xtables-monitor')
}

/** The process that has the kernel serve if the proxy is killed; undefined while none runs. */
export function failoverProcessOf(pid: number): number | undefined {
  return childrenOf(pid).find(child => read(child, 'cmdline').includes('\0kube-proxy-guard\0'))
}

export function isRunning(pid: number): boolean {
  return readParentPid(String(pid)) !== undefined
}

/** What the kernel says a process does: R it runs or could, S it waits, T it is stopped; undefined: it has exited. */
export function stateOf(pid: number): string | undefined {
  return readStatus(pid)[0]
}

function readParentPid(pid: string): number | undefined {
  const parent = readStatus(Number(pid))[1]
  return parent === undefined ? undefined : Number(parent)
}

/** State, parent and so on; empty if the process has exited. */
function readStatus(pid: number): string[] {
  // `pid (name) state parent …`; a name can contain any character.
  const status = read(pid, 'stat')
  return status === '' ? [] : status.split(') ').at(-1)!.split(' ')
}

/** A file of a process; empty if the process has exited. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
