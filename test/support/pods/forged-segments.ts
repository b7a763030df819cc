/** Python programs for tests that forge TCP segments. Arguments follow the program. */

/**
 * `ADDRESS PORT`: connects, asks for an echo, and prints its address, its port, its next sequence number and the next one that it
 * expects. After a line on its standard input it asks for another echo, and prints what comes.
 */
export const ECHO_CLIENT = `
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
s.sendall(b'echo\\n')
assert s.recv(99) == b'echo\\n'
TCP, REPAIR, QUEUE, SEQUENCE = 6, 19, 20, 21
s.setsockopt(TCP, REPAIR, 1)
numbers = []
for queue in (2, 1):
    s.setsockopt(TCP, QUEUE, queue)
    numbers.append(s.getsockopt(TCP, SEQUENCE) & 0xffffffff)
s.setsockopt(TCP, REPAIR, -1)
print(*s.getsockname()[:2], *numbers, flush=True)
sys.stdin.readline()
try:
    s.sendall(b'still here')
    print(s.recv(99).decode(), flush=True)
except OSError as error:
    print(error, flush=True)
`

/**
 * `ADDRESS PORT [OWN-ADDRESS OWN-PORT]`: connects, from its own port if there is one, and asks for an echo. After a line on its standard
 * input it ends its side, unless it has its own port, and prints whether the other side ends.
 */
export const ENDING_CLIENT = `
import socket, sys
own = (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 3 else None
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10, own)
s.sendall(b'echo\\n')
assert s.recv(99) == b'echo\\n'
print('open', flush=True)
sys.stdin.readline()
if own is None:
    s.shutdown(socket.SHUT_WR)
try:
    print('ended' if s.recv(99) == b'' else 'data', flush=True)
except OSError as error:
    print(error, flush=True)
`

/** `SOURCE PORT DESTINATION PORT SEQUENCE ACKNOWLEDGEMENT [FIN]`: sends one segment with ACK. The rules of its host may drop it. */
export const SEND_SEGMENT = `
import socket, struct, sys
source, sport, destination, dport, sequence, ack = sys.argv[1:7]
flags = 0x11 if sys.argv[7:] == ['FIN'] else 0x10
family = socket.AF_INET6 if ':' in source else socket.AF_INET
def segment(checksum):
    return struct.pack('!HHIIBBHHH', int(sport), int(dport), int(sequence) % 2**32, int(ack), 5 << 4, flags, 1024, checksum, 0) + b'x'
size = len(segment(0))
addresses = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
covered = addresses + struct.pack('!HH', 6, size) + segment(0)
covered += b'\\0' * (len(covered) % 2)
total = sum(struct.unpack('!%dH' % (len(covered) // 2), covered))
while total >> 16:
    total = (total & 0xffff) + (total >> 16)
s = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
s.bind((source, 0))
try:
    s.sendto(segment(~total & 0xffff), (destination, 0))
except PermissionError:
    pass
`
