cloud-hypervisor \
  --kernel vm/kernel \
  --cmdline 'console=ttyS0 panic=-1 root=/dev/vda rw' \
  --cpus boot=2 \
  --memory size=1024M \
  --disk path=vm/root.ext4 \
  --net tap=tap0,mac=52:54:00:b0:07:01 \
  --serial tty \
  --console off
