cloud-hypervisor \
  --kernel vm/kernel \
  --initramfs vm/initrd \
  --cmdline 'console=ttyS0 panic=-1 root=LABEL=root rw' \
  --cpus boot=2 \
  --memory size=1024M \
  --disk path=vm/root.ext4 path=vm/modules.ext4,readonly=on \
  --net tap=tap0,mac=52:54:00:b0:07:01 \
  --serial tty \
  --console off
