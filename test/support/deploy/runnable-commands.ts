/** Programs of the README that no test machine has: tools of installers and of containers, and those that change the machine. */
const OTHER_PROGRAMS = [
  'ansible',
  'ansible-playbook',
  'docker',
  'helm',
  'k3d',
  'kind',
  'kops',
  'minikube',
  'sudo',
  'talosctl',
]
/** Commands of kubectl that wait for Pods, or for the stock kube-proxy: they need kubelets, controllers and installers. */
const NEEDS_PODS = /kubectl (-n \S+ )?(rollout status|run|wait) |^until kubectl -n \S+ get /

/** The program of a command; that of a loop is the one that it repeats. */
export function programOf(command: string): string {
  return command.replace(/^until /, '').split(' ')[0]!
}

/** Whether a test can run a command of the README with nothing but a shell, kubectl and an API server. */
export function isRunnable(command: string): boolean {
  return !OTHER_PROGRAMS.includes(programOf(command)) && !NEEDS_PODS.test(command)
}
