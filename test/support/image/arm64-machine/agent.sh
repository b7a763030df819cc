# Process 1 of a machine for arm64: runs commands one after the other. Each is a line in base64 at the port of the machine; the answer is
# a line with the exit code, and the output in base64.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
ln -sf /proc/self/fd /dev/fd
exec 3<>/dev/vport*p1
echo ready >&3
while IFS= read -r line <&3; do
  command=$(printf '%s' "$line" | base64 -d)
  # Into a file: at the end of a pipe this loop would wait for what the command has left in the background.
  exit_code=0
  bash -c "$command" >/output 2>&1 </dev/null || exit_code=$?
  echo "$exit_code $(base64 -w 0 /output)" >&3
done
