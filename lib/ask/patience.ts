/** How long `curl` waits for an answer that has to come. A machine under load is slow. */
export const PATIENT = ['--max-time', '10'] as const

/** How long `curl` waits where no answer can come. */
export const IMPATIENT = ['--max-time', '1'] as const
