/** Rules, and what is said of them. */
export const RULE_SENTENCES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES': 'All packets go to chain KUBE-SERVICES.',
    '-d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-X':
      'TCP packets to 10.96.0.10 port 80 go to chain KUBE-SVC-X.',
    '! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ':
      'TCP packets from outside 10.244.0.0/16, to 10.96.0.10 port 80 go to chain KUBE-MARK-MASQ.',
    '-m statistic --mode random --probability 0.33333333349 -j KUBE-SEP-X':
      'At random, 1 in 3 of the packets go to chain KUBE-SEP-X.',
    '-m statistic --mode random --probability 0.30000000000 -j X': 'At random, 30.0% of the packets go to chain X.',
    '-p tcp -j DNAT --to-destination 10.244.0.5:8080': 'TCP packets get the destination 10.244.0.5:8080 (DNAT).',
    '-p tcp -j DNAT --to-destination [fd00::5]:8080': 'TCP packets get the destination [fd00::5]:8080 (DNAT).',
    '-p udp -j REDIRECT --to-ports 40001': 'UDP packets get this node as destination, port 40001 (REDIRECT).',
    '-j MARK --set-xmark 0x4000/0x4000': 'All packets get mark 0x4000.',
    '-j MARK --set-xmark 0x4000/0x0': 'All packets get mark 0x4000 toggled.',
    '-j MARK --set-xmark 0x0/0x4000': 'All packets lose mark 0x4000.',
    '-m mark ! --mark 0x4000/0x4000 -j RETURN': 'Packets without mark 0x4000 go back to the chain before.',
    '-j MASQUERADE --random-fully': 'All packets get the address of this node as source (MASQUERADE).',
    '-p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset':
      'TCP packets to port 80 are refused with a TCP reset.',
    '-j REJECT --reject-with icmp-port-unreachable':
      'All packets are refused with the ICMP message "port unreachable".',
    '-m conntrack --ctstate NEW -j X': 'Packets that open a connection go to chain X.',
    '-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP':
      'Packets except those related to a known connection or of a known connection or whose destination was translated are dropped: the sender gets no answer.',
    '-m addrtype --dst-type LOCAL -j X': 'Packets to an address of this node go to chain X.',
    '-i cni+ -j X': 'Packets that came in by an interface cni… go to chain X.',
    '-m set --match-set KUBE-CLUSTER-IP dst,dst -j X':
      'Packets whose destination is in set KUBE-CLUSTER-IP go to chain X.',
    '-m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-X --mask 255.255.255.255 --rsource -j KUBE-SEP-X':
      'Packets whose sender is in list KUBE-SEP-X since less than 10800 s go to chain KUBE-SEP-X.',
    '-m owner --uid-owner 0 -j ACCEPT':
      'Packets that meet "-m owner --uid-owner 0" are accepted: no further rule of this table sees them.',
    '-m owner --uid-owner 0 -o eth0 -s 10.244.0.2/32 -p tcp -j X':
      'TCP packets from 10.244.0.2, that leave by eth0, that meet "-m owner --uid-owner 0" go to chain X.',
    '-p tcp --dport 80 -j X': 'TCP packets that meet "--dport 80" go to chain X.',
    '-p tcp': 'TCP packets are only counted.',
  }),
)
