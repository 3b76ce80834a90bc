#!/bin/sh
# Finds the root filesystem, mounts it, and starts the init that is in it.
# /modules/order lists the modules to load, one file a line, in order; one with a leading "?" may fail.

export PATH=/bin
root=/newroot

# One line that says what is wrong, in the kernel's log because that reaches every console whole; then the kernel
# panics, since its first process ends. A panic that would wait for ever is made to reboot, so that the VM ends.
die() {
	if ! printf '<0>bootworthy-initramfs: %s\n' "$*" 2>/dev/null >/dev/kmsg; then
		printf 'bootworthy-initramfs: %s\n' "$*"
	fi
	# Not "read": it takes one byte at a time, and most files of /proc/sys give only the first.
	[ "$(cat /proc/sys/kernel/panic)" = 0 ] && printf '%s' -1 >/proc/sys/kernel/panic
	exit 1
}

# What is there, for messages.
surroundings() {
	drives=
	for drive in /sys/class/block/*; do
		[ -e "$drive" ] && drives="$drives ${drive##*/}"
	done
	loaded=
	while read -r name rest; do
		loaded="$name $loaded"
	done </proc/modules
	here="block devices here:${drives:- none}; modules loaded: ${loaded:-none}"
}

# Set "found" to the path of $1 as it will be seen from the new root: links are resolved inside it.
resolve() {
	left=$1 found='' links=0
	while [ -n "$left" ]; do
		name=${left%%/*}
		case $left in
		*/*) left=${left#*/} ;;
		*) left= ;;
		esac
		case $name in
		'' | .) continue ;;
		..) found=${found%/*} && continue ;;
		esac
		if [ -L "$root$found/$name" ]; then
			links=$((links + 1))
			[ "$links" -le 40 ] || return 1
			target=$(readlink "$root$found/$name")
			case $target in
			/*) found= ;;
			esac
			left=$target/$left
		else
			found=$found/$name
		fi
	done
	found=$root$found
}

# Set "device" to what LABEL=, UUID= or /dev/ in $1 stands for, if it is there.
look() {
	case $1 in
	LABEL=* | UUID=*) device=$(findfs "$1" 2>/dev/null) ;;
	*) device=$1 ;;
	esac
	[ -n "$device" ] && [ -b "$device" ]
}

# Look for $1 until it is there; $2 is what it is for. Drives appear a moment after their driver is loaded.
await() {
	case $1 in
	LABEL=?* | UUID=?* | /dev/?*) ;;
	*) die "cannot look for the $2 by $1: only LABEL=, UUID= and /dev/ are known here" ;;
	esac
	read -r now rest </proc/uptime
	end=$((${now%%.*} + 10))
	until look "$1"; do
		read -r now rest </proc/uptime
		if [ "${now%%.*}" -ge "$end" ]; then
			surroundings
			die "no $2: no $1 appeared within 10 s; $here"
		fi
		sleep 0.05
	done
}

# Mount device $1 at $2 with options $3, as one of the types $4 (with commas between) or as what it is found to be.
attach() {
	types=$4 why='no such type'
	if [ -z "$types" ]; then
		why=$(mount -o "$3" "$1" "$2" 2>&1)
		return
	fi
	while [ -n "$types" ]; do
		why=$(mount -t "${types%%,*}" -o "$3" "$1" "$2" 2>&1) && return
		case $types in
		*,*) types=${types#*,} ;;
		*) types= ;;
		esac
	done
	return 1
}

# Mount the modules where the root looks for them: below /usr/lib where /lib leads there, or there is no /lib.
attach_modules() {
	release=$(cat /proc/sys/kernel/osrelease)
	resolve /lib
	[ -d "$found" ] || resolve /usr/lib
	place=$found/modules
	# /lib/modules may be a link of its own
	resolve "${place#"$root"}"
	place=$found
	if ! mkdir -p "$place/$release" 2>/dev/null; then
		# The root cannot be written: a folder in memory can hold the mount point.
		if ! mount -t tmpfs -o mode=755,size=64k modules "$place" 2>/dev/null; then
			die "no place for the modules: ${place#"$root"}/$release is not in the root filesystem, which is read-only: give rw, or make the folder in the image"
		fi
		mkdir "$place/$release"
	fi
	if ! attach "$device" "$place/$release" ro "$modulesfstype"; then
		die "cannot mount the modules volume $device${modulesfstype:+ as $modulesfstype}: $why"
	fi
	[ -e "$place/$release/modules.dep" ] || die "the modules volume $device has no modules.dep at its top"
}

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t devtmpfs -o mode=755,nosuid devtmpfs /dev || die 'cannot mount devtmpfs: the kernel was built without CONFIG_DEVTMPFS'

want='' fstype='' flags='' access=ro init='' modules='' modulesfstype=''
read -r line </proc/cmdline
set -f
for word in $line; do
	case $word in
	--) break ;;
	root=*) want=${word#*=} ;;
	rootfstype=*) fstype=${word#*=} ;;
	rootflags=*) flags=${word#*=} ;;
	ro | rw) access=$word ;;
	init=*) init=${word#*=} ;;
	bootworthy.modules=*) modules=${word#*=} ;;
	bootworthy.modulesfstype=*) modulesfstype=${word#*=} ;;
	esac
done
set +f

while read -r file; do
	path=/modules/${file#\?}
	why=$(insmod "$path" 2>&1) && continue
	case $file:$why in
	\?* | *'File exists'*) ;;
	*) die "cannot load module ${file%.ko}: $why" ;;
	esac
done </modules/order

# A console on a bus whose driver is one of these modules exists only now.
if (: >/dev/console) 2>/dev/null; then
	exec </dev/console >/dev/console 2>&1
fi

[ -n "$want" ] || die 'no root= on the kernel command line'
await "$want" 'root filesystem'
if ! attach "$device" "$root" "$access${flags:+,$flags}" "$fstype"; then
	die "cannot mount the root filesystem $device${fstype:+ as $fstype}: $why"
fi

case $modules in
none) ;;
'') look LABEL=modules && attach_modules ;;
*) await "$modules" 'modules volume' && attach_modules ;;
esac

resolve "${init:=/sbin/init}" || die "no init: $init is a loop of links in the root filesystem"
[ -f "$found" ] || die "no init: $init is not in the root filesystem"
[ -x "$found" ] || die "no init: $init may not be executed"

for folder in dev proc sys; do
	# What the root has no folder for goes away with the initramfs.
	if [ -d "$root/$folder" ] || mkdir "$root/$folder" 2>/dev/null; then
		[ "$folder" = proc ] || mount -o move "/$folder" "$root/$folder"
	fi
done
[ -d "$root/proc" ] && mount -o move /proc "$root/proc"
exec switch_root "$root" "$init" "$@"
