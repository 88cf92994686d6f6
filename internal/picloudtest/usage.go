package picloudtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has used so far, as Linux counts it.
type Usage struct {
	CPU      time.Duration // of all its threads that live
	Switches int64         // times a thread was put on a processor: every wake-up is one
	Resident int64         // bytes of memory, shared pages of its file included
}

// Sub returns what was used since an earlier reading. Resident is the newer one.
func (u Usage) Sub(earlier Usage) Usage {
	return Usage{CPU: u.CPU - earlier.CPU, Switches: u.Switches - earlier.Switches, Resident: u.Resident}
}

// ReadUsage reads the usage of a process from /proc.
func ReadUsage(pid int) (Usage, error) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	tasks, err := os.ReadDir(filepath.Join(proc, "task"))
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	for _, task := range tasks {
		dir := filepath.Join(proc, "task", task.Name())
		text, err := os.ReadFile(filepath.Join(dir, "schedstat"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the thread has ended meanwhile
		}
		if err != nil {
			return Usage{}, err
		}
		var onCPU, waiting, slices int64
		if _, err := fmt.Sscan(string(text), &onCPU, &waiting, &slices); err != nil {
			return Usage{}, fmt.Errorf("%s/schedstat: %w", dir, err)
		}
		u.CPU += time.Duration(onCPU)
		u.Switches += slices
	}
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		return Usage{}, err
	}
	_, rest, ok := strings.Cut(string(status), "VmRSS:")
	var kib int64
	if !ok {
		return Usage{}, errors.New("the process has ended")
	}
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return Usage{}, err
	}
	u.Resident = kib << 10
	return u, nil
}
