/** Options of `curl`: how long it waits. */
export const PATIENCE = {
  /** For an answer that has to come: a machine under load is slow. */
  answer: ['--max-time', '10'],
  /** Where no answer can come. */
  silence: ['--max-time', '1'],
} as const
