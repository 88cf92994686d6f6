package executor

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/picloud/picloud/internal/store"
	"github.com/picloud/picloud/rhai"
)

// logs are a run's log lines, within its limits. What does not fit is counted.
type logs struct {
	maxLines, maxBytes int64
	lines              []store.LogLine
	bytes              int64
	dropped            int64
	mask               *mask // hides the secrets that the run has read; nil: none
}

// limit sets the limits; zero means none.
func (l *logs) limit(lines, bytes int64) { l.maxLines, l.maxBytes = lines, bytes }

func (l *logs) add(at time.Time, level, source, message string, pos rhai.Position) {
	if l.maxLines > 0 && int64(len(l.lines)) >= l.maxLines {
		l.dropped++
		return
	}
	room := l.maxBytes - l.bytes
	if l.maxBytes > 0 && room <= 0 && message != "" {
		l.dropped++
		return
	}
	if l.mask != nil { // before it is cut: a part of a secret may not be recognised
		within := len(message)
		if l.maxBytes > 0 {
			within = int(min(room, int64(len(message))))
		}
		hidden := l.mask.hideWithin(message, within)
		if len(hidden) <= within && within < len(message) {
			hidden += "…"
		}
		message = hidden
	}
	if l.maxBytes > 0 && int64(len(message)) > room {
		message = cut(message, int(room)) + "…"
		l.bytes = l.maxBytes
	} else {
		l.bytes += int64(len(message))
	}
	l.lines = append(l.lines, store.LogLine{
		At: at.UTC(), Level: level, Source: source, Line: int(pos.Line), Column: int(pos.Col),
		Message: strings.Clone(clean(message)),
	})
}

// cut shortens s to at most n bytes, between characters.
func cut(s string, n int) string {
	if n >= len(s) {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// clean makes text fit for the database: no NUL, valid UTF-8.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// print is what print does in a script.
func (e *Executor) print(ctx context.Context, text string, pos rhai.Position) {
	if r := runOf(ctx); r != nil {
		r.logs.add(e.now(), "info", "print", text, pos)
	}
}

// debug is what debug does in a script.
func (e *Executor) debug(ctx context.Context, text, _ string, pos rhai.Position) {
	if r := runOf(ctx); r != nil {
		r.logs.add(e.now(), "debug", "debug", text, pos)
	}
}
