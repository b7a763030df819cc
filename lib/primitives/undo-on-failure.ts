/**
 * Runs an action of several steps. If it fails, undoes the steps that it has registered, the last one first, and fails with the
 * failure of the action. A step that cannot be undone does not hide that failure, and does not keep others from being undone.
 *
 * @param action calls its argument after each step, with what undoes the step
 */
export async function undoOnFailure<T>(action: (onFailure: (undo: () => unknown) => void) => Promise<T>): Promise<T> {
  const undos: (() => unknown)[] = []
  try {
    return await action(undo => void undos.push(undo))
  } catch (failure) {
    for (const undo of undos.reverse()) {
      try {
        await undo()
      } catch {
        // The failure of the action says what went wrong first.
      }
    }
    throw failure
  }
}
