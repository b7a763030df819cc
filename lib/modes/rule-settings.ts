/** What the operator configured and the kernel supports, for all rules of the kernel modes. */
export interface RuleSettings {
  /** Whether all packets to ClusterIPs are masqueraded: endpoints then see the node's address, not the client's. */
  readonly masqueradeAll: boolean
  /** The bit of a packet's mark that requests masquerading: 0x4000 with kube-proxy's bit 14. */
  readonly masqueradeMark: number
  /** Whether masqueraded packets get a random source port; needs iptables 1.6.2. */
  readonly randomFully: boolean
  /**
   * Whether forwarded packets that belong to no connection are dropped. Off where the kernel accepts such packets
   * (`nf_conntrack_tcp_be_liberal`).
   */
  readonly dropInvalid: boolean
}
