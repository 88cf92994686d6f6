package bootstrap

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/uuid"
)

// nodeFile holds, in the data directory, the name under which this node leases
// messages.
const nodeFile = "node-id"

// managerFile does so for a manager, which lives beside its node's orchestrator.
const managerFile = "manager-id"

// nodeName returns the node's name, which it keeps in a file: after a crash it takes back
// what it had leased. While another process works under that name this one gets a
// name of its own, because the other's messages are not lost. close gives the name
// free.
func nodeName(dir, file string) (name string, closer func() error, err error) {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", nil, fmt.Errorf("the node's name: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return uuid.NewString(), f.Close, nil
	}
	text, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("the node's name: %w", err), f.Close())
	}
	if name = strings.TrimSpace(string(text)); name != "" {
		return name, f.Close, nil
	}
	name = uuid.NewString()
	if _, err := f.WriteAt([]byte(name+"\n"), 0); err != nil {
		return "", nil, errors.Join(fmt.Errorf("the node's name: %w", err), f.Close())
	}
	if err := f.Sync(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("the node's name: %w", err), f.Close())
	}
	return name, f.Close, nil
}
