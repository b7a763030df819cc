import { type Option } from '../option.js'

/** The process itself: its start and its end. */
export const PROCESS_OPTIONS: readonly Option[] = [
  {
    name: 'drain-timeout',
    isLive: true,
    field: 'userspace.drainTimeout',
    kind: 'duration',
    default: '25s',
    value: 'DURATION',
    extension: true,
    help: 'Time that open connections may continue after SIGTERM or SIGINT; shorter than the 30s after which the kubelet kills a container',
  },
  {
    name: 'data-plane-workers',
    restart: 'open connections stay in the worker that has accepted them',
    field: 'userspace.dataPlaneWorkers',
    kind: 'text',
    default: 'auto',
    value: 'N',
    extension: true,
    help: 'Number of worker processes for the sockets; 0: none, the main process has them; auto: one for every two CPUs, 1 to 8',
  },
  {
    name: 'oom-score-adj',
    restart: 'workers inherit it when they start, and to lower it again needs CAP_SYS_RESOURCE',
    field: 'oomScoreAdj',
    kind: 'number',
    default: '-999',
    value: 'N',
    help: 'Value for /proc/self/oom_score_adj, -1000 to 1000; workers have it too; the lower, the later the kernel ends the program for lack of memory',
  },
  {
    name: 'on-exit',
    restart: 'the process that takes over after a crash is started with it',
    field: 'userspace.onExit',
    kind: 'text',
    default: 'auto',
    value: 'WHAT',
    extension: true,
    help: 'What to do with the rules on exit: keep, cleanup, kernel (userspace mode: the kernel serves while the proxy is down, also after it was killed), or auto: the kernel serves if this node supports it, but not after a kill',
  },
  {
    name: 'init-only',
    kind: 'switch',
    overridesFile: true,
    since: '1.29',
    help: 'Write the settings of the kernel (sysctl) that the modes of --proxy-mode need, and exit',
  },
  {
    name: 'cleanup',
    kind: 'switch',
    overridesFile: true,
    help: 'Remove the rules of all modes, of this proxy and of kube-proxy, and exit',
  },
  {
    name: 'cleanup-ipvs',
    kind: 'switch',
    default: 'true',
    overridesFile: true,
    until: '1.22',
    help: 'Let --cleanup remove what ipvs mode has left',
    effect: {
      none: '--cleanup removes what kube-proxy in ipvs mode has left, and keeps virtual servers of other programs',
    },
  },
]
