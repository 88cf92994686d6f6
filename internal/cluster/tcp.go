package cluster

import (
	"net"
	"time"
)

// A machine that vanishes says nothing. Between nodes that is noticed after some ten
// seconds: by probes where nothing else is on the way, and, because the system sends
// no probes while something is, by vanishTimeout for what is not acknowledged.
const vanishTimeout = 10 * time.Second

var probes = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}

// Dialer makes connections to other nodes.
func Dialer() *net.Dialer {
	d := &net.Dialer{KeepAliveConfig: probes, Control: endUnacknowledged}
	d.SetMultipathTCP(false) // it has no such timeout
	return d
}

// ListenConfig is for listeners that other nodes connect to. reads says that they
// always read what comes: one that does not for vanishTimeout loses the connection.
func ListenConfig(reads bool) *net.ListenConfig {
	c := &net.ListenConfig{KeepAliveConfig: probes}
	c.SetMultipathTCP(false)
	if reads {
		c.Control = endUnacknowledged // accepted connections inherit it
	}
	return c
}
