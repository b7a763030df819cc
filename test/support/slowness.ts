/** How many times longer things may take than on a machine of its own: in a virtual machine that is emulated, all does. */
export const SLOWNESS = process.env['VM_RUN'] === '1' ? 10 : 1
