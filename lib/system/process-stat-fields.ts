/**
 * The fields of `/proc/PID/stat` from the third one, the state, on. The text is `pid (name) state parent …`, and a name can contain any
 * character.
 */
export function processStatFields(text: string): string[] {
  return text.slice(text.lastIndexOf(') ') + 2).split(' ')
}
