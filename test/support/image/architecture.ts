/** The kinds of processors that the image is for, as Debian calls them. */
export type Architecture = 'amd64' | 'arm64'

/** That of this machine. */
export const OWN_ARCHITECTURE: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
