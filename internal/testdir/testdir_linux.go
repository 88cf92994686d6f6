package testdir

import "syscall"

func parent() string {
	const memory, plenty = "/dev/shm", 4 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) >= plenty {
		return memory
	}
	return "/tmp"
}
