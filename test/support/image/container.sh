# Becomes a container and runs a command in it; container.ts starts this script in namespaces of its own.
#
#   container.sh LOWER UPPER SYSFS [SOURCE TARGET ro|rw]... -- [FOLDER]... -- ro|rw COMMAND [ARGUMENT]...
#
# LOWER   layers of the root file system, separated by colons, the uppermost first; may be empty
# UPPER   the layer to write to; empty: the root file system is read-only
# SYSFS   own: a new mount of sysfs; shared: that of this machine, as in a user namespace (emulated.sh), where the kernel allows a new
#         mount only with a network namespace of the same owner
# FOLDER  gets a file system in memory
# ro      /proc/sys is read-only
set -eu
lower=$1
upper=$2
sysfs=$3
shift 3
work=$(mktemp -d)
mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
root=$work/root
points=$work/points
mkdir "$root" "$points"
[ "$lower" != '' ] || points=$upper

# Makes every mount point that the layers may lack, in a layer below them.
make_points() {
  mkdir -p "$points/proc" "$points/sys" "$points/dev"
  while [ "$1" != -- ]; do
    if [ -d "$1" ]; then
      mkdir -p "$points$2"
    else
      mkdir -p "$points$(dirname "$2")"
      : >> "$points$2"
    fi
    shift 3
  done
  shift
  while [ "$1" != -- ]; do
    mkdir -p "$points$1"
    shift
  done
}
make_points "$@"

if [ "$lower" = '' ]; then
  mount --bind "$upper" "$root"
elif [ "$upper" = '' ]; then
  mount -t overlay overlay -o "lowerdir=$lower:$points" "$root"
else
  # The work folder must be in the file system of the upper layer.
  mkdir -p "$upper.work"
  mount -t overlay overlay -o "lowerdir=$lower:$points,upperdir=$upper,workdir=$upper.work" "$root"
fi
mount -t proc proc "$root/proc"
if [ "$sysfs" = own ]; then
  mount -t sysfs -o ro sysfs "$root/sys"
else
  # With all mounts below it: without them, the kernel refuses. Each is read-only by itself.
  mount --rbind /sys "$root/sys"
  awk -v at="$root/sys" '$5 == at || index($5, at "/") == 1 { print $5 }' /proc/self/mountinfo |
    while read -r point; do mount -o remount,bind,ro "$point"; done
fi
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"
while [ "$1" != -- ]; do
  mount --bind "$1" "$root$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
  shift 3
done
shift
while [ "$1" != -- ]; do
  mount -t tmpfs tmpfs "$root$1"
  shift
done
shift
if [ "$1" = ro ]; then
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount -o remount,bind,ro "$root/proc/sys"
fi
shift
exec chroot "$root" "$@"
