package process

import (
	"net"
	"os"
)

// NotifySystemd tells systemd, if it started this process as Type=notify, that
// the process is ready or stopping (man sd_notify). Elsewhere it does nothing,
// and a failure is no reason not to serve.
func NotifySystemd(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
