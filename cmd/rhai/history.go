package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxHistory bounds the lines that are kept.
const maxHistory = 1000

// history is what was entered, the oldest first; a file keeps it for the next session.
type history struct {
	lines []string
	file  *os.File // nil: it ends with the session
}

// historyFile is where the history is kept, or "".
func historyFile() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "rhai", "history")
	}
	if home, err := os.UserHomeDir(); err == nil && runtime.GOOS != "windows" {
		return filepath.Join(home, ".local", "state", "rhai", "history")
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "rhai", "history")
	}
	return ""
}

// openHistory reads the history in a file. Where there can be none, lines are kept until the end of the session.
func openHistory(name string) *history {
	h := &history{}
	if name == "" || os.MkdirAll(filepath.Dir(name), 0o700) != nil {
		return h
	}
	text, _ := os.ReadFile(name)
	if len(text) > 0 {
		h.lines = strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if len(h.lines) > maxHistory {
		h.lines = h.lines[len(h.lines)-maxHistory:]
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(name, flags, 0o600)
	if err != nil {
		return h
	}
	h.file = f
	if flags&os.O_TRUNC != 0 {
		h.write(strings.Join(h.lines, "\n"))
	}
	return h
}

// write appends to the file; when that fails the file is given up.
func (h *history) write(text string) {
	if h.file == nil {
		return
	}
	if _, err := h.file.WriteString(text + "\n"); err != nil {
		h.close()
	}
}

// Add implements term.History. Empty lines and repetitions are left out.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if len(h.lines) > maxHistory {
		h.lines = h.lines[1:]
	}
	h.write(line)
}

// Len implements term.History.
func (h *history) Len() int { return len(h.lines) }

// At implements term.History: 0 is the latest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }

func (h *history) close() {
	if h.file != nil {
		_ = h.file.Close()
		h.file = nil
	}
}
