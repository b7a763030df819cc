/** A line of the outermost TAP that begins something new: all before it is complete, also the diagnosis of the last check. */
const BEGINS = /^(# Subtest: |(not )?ok .*\{$|1\.\.\d)/

/**
 * Passes TAP on, and puts comments between the results of two files. Elsewhere a comment could separate a check from its diagnosis.
 * @param {(text: string) => void} print
 */
export function createTapOutput(print) {
  let isRunning = false
  let line = ''
  let comments = ''
  return {
    /** @param {string} text the next part of the TAP; it may end within a line */
    write(text) {
      isRunning = true
      const lines = `${line}${text}`.split('\n')
      line = lines.pop()
      for (const complete of lines) {
        if (BEGINS.test(complete)) printComments()
        print(`${complete}\n`)
      }
    },
    /** The TAP is complete, or its rest does not come any more. */
    end() {
      isRunning = false
      if (line !== '') print(`${line}\n`)
      line = ''
      printComments()
    },
    /** @param {readonly string[]} lines */
    comment(lines) {
      comments += lines.map(text => `# ${text}\n`).join('')
      if (!isRunning) printComments()
    },
  }

  function printComments() {
    if (comments !== '') print(comments)
    comments = ''
  }
}
