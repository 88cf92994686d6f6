package cluster

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Both ends of a connection between nodes notice that the other's machine has
// vanished, whether something was on the way or nothing.
func TestConnectionsNoticeThatAMachineHasVanished(t *testing.T) {
	for _, reads := range []bool{true, false} {
		l, err := ListenConfig(reads).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		dialed, err := Dialer().DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer dialed.Close()
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		for what, conn := range map[string]net.Conn{"dialed": dialed, "accepted": accepted} {
			timeout := 10_000
			if !reads && conn == accepted {
				timeout = 0
			}
			raw, err := conn.(*net.TCPConn).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			for name, option := range map[string]struct{ level, number, want int }{
				"TCP_USER_TIMEOUT": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, timeout},
				"SO_KEEPALIVE":     {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
				"TCP_KEEPIDLE":     {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 5},
				"TCP_KEEPINTVL":    {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 2},
				"TCP_KEEPCNT":      {unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
			} {
				if err := raw.Control(func(fd uintptr) {
					if got, err := unix.GetsockoptInt(int(fd), option.level, option.number); err != nil || got != option.want {
						t.Errorf("%s, %s: %d, %v, want %d", what, name, got, err, option.want)
					}
				}); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
