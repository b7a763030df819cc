# Makes this machine a node with the address 192.168.50.1 and two Pods: "client" with 10.244.0.11, and "server" with 10.244.0.10, which
# answers with its name on TCP port 8080 and UDP port 5353.
set -e
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link add uplink type dummy
ip addr add 192.168.50.1/24 dev uplink
ip link set uplink up
ip route add default dev uplink

add_pod() {
  ip netns add "$1"
  ip link add "to-$1" type veth peer name eth0 netns "$1"
  ip addr add 10.244.0.1/32 dev "to-$1"
  ip link set "to-$1" up
  ip route add "$2/32" dev "to-$1"
  ip -n "$1" link set lo up
  ip -n "$1" addr add "$2/32" dev eth0
  ip -n "$1" link set eth0 up
  ip -n "$1" route add 10.244.0.1 dev eth0
  ip -n "$1" route add default via 10.244.0.1
}
add_pod client 10.244.0.11
add_pod server 10.244.0.10

# It ends at the end of its standard input.
sleep infinity | ip netns exec server node /opt/kube-proxy-node/lib/kube-proxy/pod-server.js \
  a 10.244.0.10 8080/TCP 5353/UDP >/tmp/server.log 2>&1 &
grep -q -m 1 ready <(tail -n +1 -f /tmp/server.log)
