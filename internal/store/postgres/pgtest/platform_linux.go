package pgtest

import "syscall"

// dieWithParent ends the server when the test process is killed.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }

// parentDir is where clusters lie: in memory where there is plenty, because a
// test waits mostly for the disk, and nothing here has to outlive the machine.
func parentDir() string {
	const memory, plenty = "/dev/shm", 4 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Bavail*uint64(fs.Bsize) >= plenty {
		return memory
	}
	return "/tmp"
}
