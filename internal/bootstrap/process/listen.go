package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
)

// Listen opens the address that a flag names, and says what to do where it cannot.
func Listen(ctx context.Context, address, flag string) (net.Listener, error) {
	return ListenBy(ctx, &net.ListenConfig{}, address, flag)
}

// ListenBy is Listen with settings for the connections.
func ListenBy(ctx context.Context, by *net.ListenConfig, address, flag string) (net.Listener, error) {
	l, err := by.Listen(ctx, "tcp", address)
	var dns *net.DNSError
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is taken by another program (another PiCloud?): stop it, or choose another address with --%s; 127.0.0.1:0 picks a free port", address, flag)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on %s: choose a port from 1024 up with --%s, or put a proxy in front", address, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is not an address of this machine: choose another with --%s, or :PORT for all of them", address, flag)
	case errors.As(err, &dns):
		return nil, fmt.Errorf("the host in --%s %s is not known: %w", flag, address, err)
	}
	return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
}

// BaseURL is where a listener can be reached from this machine.
func BaseURL(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return "http://" + addr.String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}

// AddrPorts are where a listener is, for those who must not reach it.
func AddrPorts(addr net.Addr) []netip.AddrPort {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return nil
	}
	return []netip.AddrPort{tcp.AddrPort()}
}

// PrepareDataDir makes the data directory and shows that it can be written to.
// It returns its absolute path.
func PrepareDataDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("the data directory %q: %w", dir, err)
	}
	advice := func(err error) error {
		if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EROFS) {
			return fmt.Errorf("the data directory %s cannot be written to by this user: %w; give it to this user, or choose another with --data", abs, err)
		}
		return fmt.Errorf("the data directory %s: %w; choose another with --data", abs, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", advice(err)
	}
	probe, err := os.CreateTemp(abs, ".writable-*")
	if err != nil {
		return "", advice(err)
	}
	err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	if err != nil {
		return "", advice(err)
	}
	return abs, nil
}

// ExistingDataDir returns the absolute path of a data directory that commands
// other than serve work on: a mistyped one must not be made.
func ExistingDataDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("the data directory %q: %w", dir, err)
	}
	switch info, err := os.Stat(abs); {
	case err == nil && !info.IsDir():
		return "", fmt.Errorf("the data directory %s is a file; name the right one with --data", abs)
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("there is no data directory %s; name the right one with --data, or the database with --database", abs)
	case err != nil:
		return "", fmt.Errorf("the data directory %s: %w", abs, err)
	}
	return abs, nil
}
