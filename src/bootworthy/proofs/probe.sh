# The probe: tells the host on the serial console how this guest is. Run by the static busybox beside it, as a service.
# A message is JSON, carried by framed lines; their format is in proofs/frames.py of Bootworthy.
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

console=/dev/console
token=
patience=240
for word in $(cat /proc/cmdline); do
	case $word in
	bootworthy.token=*) token=${word#*=} ;;
	bootworthy.wait=*) patience=${word#*=} ;;
	esac
done
case $token in '' | *[!0-9a-f]*) exit 0 ;; esac
case $patience in '' | *[!0-9]*) patience=240 ;; esac

uptime_seconds() { cut -d ' ' -f 1 /proc/uptime; }

# Text as a JSON string: control characters are spaces, and no more than 2000 bytes of it. Most text needs no process.
string() {
	case $1 in
	*[\\\"[:cntrl:]]*) ;;
	*) [ ${#1} -gt 2000 ] || { printf '"%s"' "$1" && return; } ;;
	esac
	printf '"%s"' "$(printf %s "$1" | head -c 2000 | tr '\000-\037\177' ' ' | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g')"
}

# Lines of standard input as a JSON list of strings, at most $1 of them.
strings() {
	comma=
	printf '['
	head -n "$1" | while IFS= read -r line; do
		printf %s "$comma"
		string "$line"
		comma=,
	done
	printf ']'
}

boolean() { if "$@"; then printf true; else printf false; fi; }

# The frames of a message of kind $1 and content $2.
frames() {
	identity=$(printf %s "$2" | crc32)
	pieces=$(printf %s "$2" | base64 -w 0 | fold -w 256)
	total=$(printf '%s\n' "$pieces" | wc -l)
	number=1
	for piece in $pieces; do
		check=$(printf %s "$piece" | crc32)
		printf 'BWP1 %s %s %s %d/%d %d %s %s\n' "$token" "$1" "$identity" "$number" "$total" "${#piece}" "$check" "$piece"
		number=$((number + 1))
	done
}

# Says frames, a whole line in each write, so that only the kernel can come between.
say() {
	printf '%s\n' "$1" | while IFS= read -r line; do printf '%s\n' "$line" >"$console"; done
}

system_state() {
	state=unknown
	command -v systemctl >/dev/null || return
	limit=$(($(cut -d . -f 1 /proc/uptime) + patience))
	while :; do
		left=$((limit - $(cut -d . -f 1 /proc/uptime)))
		[ "$left" -gt 0 ] || break
		state=$(timeout "$left" systemctl is-system-running --wait 2>/dev/null | head -n 1)
		case $state in running | degraded | maintenance | stopping) break ;; esac
		sleep 0.5
	done
	state=$(systemctl is-system-running 2>/dev/null | head -n 1)
	[ -n "$state" ] || state=unknown
}

os_release() {
	file=/etc/os-release
	[ -r "$file" ] || file=/usr/lib/os-release
	comma=
	printf '{'
	[ -r "$file" ] && grep -E '^[A-Z][A-Z0-9_]{0,63}=' "$file" | head -n 40 | while IFS= read -r line; do
		value=${line#*=}
		case $value in
		\"*\") value=${value#\"} value=${value%\"} ;;
		\'*\') value=${value#\'} value=${value%\'} ;;
		esac
		printf '%s"%s":' "$comma" "${line%%=*}"
		string "$value"
		comma=,
	done
	printf '}'
}

writable() {
	probe=${1%/}/.bootworthy-probe
	(: >"$probe") 2>/dev/null && rm -f "$probe"
}

root_filesystem() {
	mounted=$(awk '$2 == "/" { found = $1 " " $3 " " $4 } END { print found }' /proc/self/mounts)
	set -- $mounted - - -
	printf '{"device":%s,"filesystem":%s,"options":%s' "$(string "$1")" "$(string "$2")" "$(string "$3")"
	set -- $(stat -f -c '%S %b %a' / 2>/dev/null) 0 0 0
	printf ',"bytes":%d,"free":%d,"writable":[' $(($1 * $2)) $(($1 * $3))
	comma=
	for folder in / /etc /var /tmp /run; do
		if writable "$folder"; then
			printf '%s"%s"' "$comma" "$folder"
			comma=,
		fi
	done
	printf ']}'
}

# Modules that need no other and no hardware, and are not loaded: paths below the modules folder $1.
candidates() {
	{ cat /proc/modules 2>/dev/null; echo --; cat "$1/modules.dep"; } | awk -F : '
		$0 == "--" { listing = 1; next }
		!listing { split($0, word, " "); loaded[word[1]] = 1; next }
		$2 !~ /[^ ]/ && $1 ~ /^kernel\/(lib|crypto|fs)\// {
			name = $1; sub(/.*\//, "", name); sub(/\.ko.*/, "", name); gsub(/-/, "_", name)
			if (!(name in loaded)) print (($1 ~ /^kernel\/lib/) ? 1 : ($1 ~ /^kernel\/crypto/) ? 2 : 3), $1
		}' | sort | head -n 4 | cut -d ' ' -f 2
}

load() {
	name=${1##*/}
	name=${name%%.ko*}
	if command -v /usr/sbin/modprobe >/dev/null; then
		/usr/sbin/modprobe "$name" 2>&1
	elif command -v /sbin/modprobe >/dev/null; then
		/sbin/modprobe "$name" 2>&1
	else
		case $1 in
		*.xz) xzcat "$modules/$1" >/run/bootworthy-probe.ko ;;
		*.gz) zcat "$modules/$1" >/run/bootworthy-probe.ko ;;
		*) cp "$modules/$1" /run/bootworthy-probe.ko ;;
		esac
		insmod /run/bootworthy-probe.ko 2>&1
		rm -f /run/bootworthy-probe.ko
	fi
}

module() {
	modules=/lib/modules/$(uname -r)
	if [ ! -s "$modules/modules.dep" ]; then
		printf '{"outcome":"absent","name":"","error":%s}' "$(string "there is no $modules/modules.dep")"
		return
	fi
	if [ ! -r /proc/modules ]; then
		printf '{"outcome":"absent","name":"","error":"this kernel loads no modules"}'
		return
	fi
	last= said=
	for path in $(candidates "$modules"); do
		said=$(load "$path" | tail -n 1)
		last=${path##*/}
		last=${last%%.ko*}
		if cut -d ' ' -f 1 /proc/modules | tr _ - | grep -qx "$(printf %s "$last" | tr _ -)"; then
			printf '{"outcome":"loaded","name":%s,"error":""}' "$(string "$last")"
			return
		fi
	done
	if [ -z "$last" ]; then
		printf '{"outcome":"none","name":"","error":"every module that needs no hardware is loaded already"}'
	else
		printf '{"outcome":"failed","name":%s,"error":%s}' "$(string "$last")" "$(string "$said")"
	fi
}

carrier() { [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]; }

network() {
	comma=
	printf '['
	for folder in /sys/class/net/*; do
		name=${folder##*/}
		[ -e "$folder/device" ] || continue
		state=$(cat "$folder/operstate" 2>/dev/null)
		raised=false
		if ! carrier "$name"; then
			# Nothing has brought it up; whether it has a link shows only then.
			ip link set dev "$name" up 2>/dev/null && raised=true
			tries=0
			while ! carrier "$name" && [ "$tries" -lt 10 ]; do
				sleep 0.2
				tries=$((tries + 1))
			done
		fi
		driver=$(readlink "$folder/device/driver" 2>/dev/null)
		printf '%s{"name":%s,"mac":%s' "$comma" "$(string "$name")" "$(string "$(cat "$folder/address" 2>/dev/null)")"
		printf ',"driver":%s,"state":%s' "$(string "${driver##*/}")" "$(string "$state")"
		printf ',"carrier":%s,"raised":%s,"addresses":' "$(boolean carrier "$name")" "$raised"
		ip -o addr show dev "$name" 2>/dev/null | awk '$3 ~ /^inet/ { print $4 }' | strings 8
		printf '}'
		comma=,
	done
	printf ']'
}

failed_units() {
	command -v systemctl >/dev/null || return
	systemctl list-units --failed --plain --no-legend --no-pager --full 2>/dev/null | awk '{ print $1 }'
}

waiting_jobs() {
	case $state in starting | initializing) ;; *) return ;; esac
	systemctl list-jobs --plain --no-legend --no-pager --full 2>/dev/null | awk '{ print $2 " " $4 }'
}

started=$(uptime_seconds)
hello=$(frames hello "{\"schema\":\"bootworthy.hello/1\",\"kernel_release\":$(string "$(uname -r)"),\"seconds\":$started}")
say "$hello"
say "$hello"

system_state
settled=$(uptime_seconds)
report="{\"schema\":\"bootworthy.report/1\",\"init\":$(string "$(cat /proc/1/comm)"),\"state\":$(string "$state")"
report="$report,\"failed_units\":$(failed_units | strings 20),\"waiting_jobs\":$(waiting_jobs | strings 20)"
report="$report,\"os_release\":$(os_release),\"kernel_release\":$(string "$(uname -r)")"
report="$report,\"architecture\":$(string "$(uname -m)"),\"command_line\":$(string "$(cat /proc/cmdline)")"
report="$report,\"root\":$(root_filesystem),\"module\":$(module),\"network\":$(network)"
report="$report,\"seconds\":{\"userspace\":$started,\"settled\":$settled,\"reported\":$(uptime_seconds)}}"

all=$(frames report "$report")
times=0
while [ "$times" -lt 60 ]; do
	say "$all"
	sleep 1
	times=$((times + 1))
done
