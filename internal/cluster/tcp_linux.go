package cluster

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// endUnacknowledged has a connection end when what it has sent is not acknowledged,
// or not read, for vanishTimeout. A system without that has the probes.
func endUnacknowledged(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(vanishTimeout.Milliseconds()))
	})
}
