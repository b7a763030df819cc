/** Options of sockperf: buffers large enough that no side loses datagrams that it cannot read at once. */
export const SOCKPERF_BUFFERS = ['--buffer-size', '2000000']
