#!/bin/busybox sh
# First program of a machine for arm64: makes its root file system from the image, and then runs the commands that it is sent.
#
# The machine has these folders of the test: debian and layer, the layers of the image; modules, of the kernel; scripts.
b=/bin/busybox
$b mount -t devtmpfs devtmpfs /dev
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
fail() {
  echo "init: $1" >/dev/console
  $b reboot -f
}
for module in /modules/*; do
  $b insmod "$module" || fail "cannot load $module"
done
$b mkdir /image /image/debian /image/layer /upper
$b mount -t tmpfs -o mode=755 tmpfs /upper
$b mkdir /upper/files /upper/work
share() {
  $b mount -t 9p -o "trans=virtio,version=9p2000.L,msize=524288,cache=loose,$3" "$1" "$2" || fail "no folder $1"
}
share debian /image/debian ro
share layer /image/layer ro
$b mount -t overlay -o lowerdir=/image/layer:/image/debian,upperdir=/upper/files,workdir=/upper/work overlay /root ||
  fail 'no root file system'
version=$($b uname -r)
$b mkdir -p "/root/lib/modules/$version" /root/scripts /root/image/debian /root/image/layer /root/run/netns
share modules "/root/lib/modules/$version" ro
share scripts /root/scripts ro
for folder in /image/debian /image/layer /dev /proc /sys; do
  $b mkdir -p "/root$folder"
  $b mount -o move "$folder" "/root$folder"
done
$b ip link set lo up
exec $b switch_root /root /bin/bash /scripts/arm64-machine/agent.sh
