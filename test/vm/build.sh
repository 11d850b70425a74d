#!/usr/bin/env bash
# build.sh DIR MIRROR SUITE NODE [,PACKAGE...]: a kernel, a small initrd and a disk of a Debian with systemd, in DIR. Needs root.
set -euo pipefail
cache=$1 mirror=$2 suite=$3 node=$4 more=${5:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root

# systemd, a bus, login sessions, and what the tests call.
packages=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,uidmap,busybox-static,procps,kmod,libstdc++6,apparmor,secilc$more

# In a mount namespace of its own: what the bootstrap mounts goes with it.
unshare --mount debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" >"$work/log" 2>&1 ||
  { tail -n 20 "$work/log" >&2; exit 1; }

# The kernel without its package's scripts: they would make an initrd for any machine there is.
image=linux-image-amd64
while next=$(apt-cache depends "$image" | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }') && [ -n "$next" ]; do
  image=$next
done
mkdir "$work/kernel"
(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$image")
dpkg-deb -x "$work"/linux-image-*.deb "$work/kernel"
version=$(basename "$work"/kernel/lib/modules/*)
modules=$work/kernel/lib/modules/$version
depmod -b "$work/kernel" "$version"

# Only what this machine has, and what containers ask for.
wanted=(virtio_pci virtio_blk ext4 9p 9pnet_virtio overlay fuse tun veth)
mkdir -p "$root/lib/modules/$version"
for module in "${wanted[@]}"; do
  modprobe -d "$work/kernel" -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
done | sort -u | while read -r path; do
  target=$root/lib/modules/$version/${path#"$modules"/}
  mkdir -p "$(dirname "$target")"
  cp "$path" "$target"
done
cp "$modules"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$version/"
depmod -b "$root" "$version"
printf '9pnet_virtio\n9p\noverlay\n' >"$root/etc/modules-load.d/vm.conf"

# Loads the disk and steps over to it.
initrd=$work/initrd
mkdir -p "$initrd"/{bin,dev,new,modules}
cp "$root/bin/busybox" "$initrd/bin/"
number=10
for module in virtio_pci virtio_blk ext4; do
  modprobe -d "$work/kernel" -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
done | awk '!seen[$0]++' | while read -r path; do
  cp "$path" "$initrd/modules/$((number++))-$(basename "$path")"
done
install -m 755 "$here/guest/init" "$initrd/init"
(cd "$initrd" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/initrd.img"

chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash tester
install -m 755 "$node" "$root/usr/local/bin/node"
install -m 755 "$here/guest/agent" "$root/usr/local/sbin/agent"
cp "$here/guest/agent.service" "$root/etc/systemd/system/"
ln -s ../agent.service "$root/etc/systemd/system/multi-user.target.wants/"
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
# All that a user's systemd can be handed: by default some of it is missing.
mkdir -p "$root/etc/systemd/system/user@.service.d"
printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >"$root/etc/systemd/system/user@.service.d/delegate.conf"
for unit in getty@tty1.service serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer fstrim.timer \
  dpkg-db-backup.timer e2scrub_all.timer systemd-timesyncd.service systemd-pstore.service dev-hugepages.mount \
  sys-kernel-debug.mount sys-kernel-tracing.mount e2scrub_reap.service systemd-random-seed.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
echo vm >"$root/etc/hostname"
echo '127.0.0.1 localhost vm' >"$root/etc/hosts"
: >"$root/etc/fstab"
echo 00000000000000000000000000000001 >"$root/etc/machine-id"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/etc/apt/sources.list* "$root"/usr/share/{doc,locale,man}/*

mkdir -p "$cache"
mke2fs -qFt ext4 -O ^has_journal -m 0 -d "$root" "$work/root.img" "$(($(du -sm "$root" | cut -f1) + 1024))M" >"$work/log"
cp "$work"/kernel/boot/vmlinuz-* "$cache/vmlinuz"
cp "$work/initrd.img" "$cache/initrd"
cp --sparse=always "$work/root.img" "$cache/root.img.part"
# Last, because it is what says that the cache is whole.
mv "$cache/root.img.part" "$cache/root.img"
