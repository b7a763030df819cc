/** The title of a worker process, as `ps` shows it. */
export const WORKER_TITLE = 'kube-proxy worker'
/** The title of a worker that serves although its control process has exited. */
export const ORPHAN_TITLE = 'kube-proxy worker, orphan'
/** The title of an orphan that has closed its listeners, and exits when its connections have ended. */
export const LEAVING_TITLE = 'kube-proxy worker, leaving'
