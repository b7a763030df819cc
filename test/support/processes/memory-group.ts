import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test } from 'tap'

/** The files of a memory cgroup, by the version of cgroups. */
interface GroupFiles {
  /** The folder of the root group. */
  readonly root: string
  readonly limit: string
  /** Limits memory and swap together, or swap alone. Kernels without accounting of swap do not have it. */
  readonly swap: { readonly name: string; readonly holdsBoth: boolean }
  /** The file with the line `oom_kill N`. */
  readonly events: string
}

const V1: GroupFiles = {
  root: '/sys/fs/cgroup/memory',
  limit: 'memory.limit_in_bytes',
  swap: { name: 'memory.memsw.limit_in_bytes', holdsBoth: true },
  events: 'memory.oom_control',
}
const V2: GroupFiles = {
  root: '/sys/fs/cgroup',
  limit: 'memory.max',
  swap: { name: 'memory.swap.max', holdsBoth: false },
  events: 'memory.events',
}

/**
 * A memory cgroup with a limit. What a process holds when it comes in does not count, only what it takes from then on. The kernel kills a
 * process of the group when the limit is reached.
 */
export class MemoryGroup {
  readonly #folder: string
  readonly #files: GroupFiles

  private constructor(folder: string, files: GroupFiles) {
    this.#folder = folder
    this.#files = files
  }

  /** Makes a group, which goes with the test; processes that are left in it then continue without its limit. */
  static create(t: Test, bytes: number): MemoryGroup {
    const group = MemoryGroup.#make(bytes)
    t.teardown(() => group.#remove())
    return group
  }

  /** The reason why this machine makes no groups, or false. */
  static unavailable(): string | false {
    try {
      MemoryGroup.#make(1024 * 1024).#remove()
      return false
    } catch (error) {
      return `no memory cgroup can be made here: ${String(error)}`
    }
  }

  static #make(bytes: number): MemoryGroup {
    const files = existsSync(join(V1.root, V1.limit)) ? V1 : V2
    if (files === V2) writeFileSync(join(files.root, 'cgroup.subtree_control'), '+memory')
    const folder = join(files.root, `kpn-${process.pid}-${made++}`)
    mkdirSync(folder)
    writeFileSync(join(folder, files.limit), String(bytes))
    const swap = join(folder, files.swap.name)
    if (existsSync(swap)) writeFileSync(swap, files.swap.holdsBoth ? String(bytes) : '0')
    return new MemoryGroup(folder, files)
  }

  add(pid: number): void {
    writeFileSync(join(this.#folder, 'cgroup.procs'), String(pid))
  }

  /** How many processes of the group the kernel has killed for lack of memory. */
  get kills(): number {
    const text = readFileSync(join(this.#folder, this.#files.events), 'utf8')
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1])
  }

  #remove(): void {
    for (const pid of readFileSync(join(this.#folder, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter(line => line !== ''))
      writeFileSync(join(this.#files.root, 'cgroup.procs'), pid)
    rmdirSync(this.#folder)
  }
}

let made = 0
