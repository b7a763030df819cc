/** The promise of each signal that was waited for. */
const ABORTS = new WeakMap<AbortSignal, Promise<undefined>>()

/** Resolves when the signal is aborted. However often it is called, the signal has one listener. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  let abort = ABORTS.get(signal)
  if (abort === undefined) {
    abort = new Promise(resolve => whenAborted(signal, () => resolve(undefined)))
    ABORTS.set(signal, abort)
  }
  return abort
}

/** Does something at the moment when the signal is aborted; at once if it is already. Each call adds a listener to the signal. */
export function whenAborted(signal: AbortSignal, action: () => void): void {
  if (signal.aborted) action()
  else signal.addEventListener('abort', action, { once: true })
}
