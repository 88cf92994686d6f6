package dev

import (
	"strings"
	"testing"
	"time"

	"github.com/picloud/picloud/internal/store"
)

// An answer that refuses is not called ok, one that failed says so.
func TestRecordSaysHowItEnded(t *testing.T) {
	for want, e := range map[string]store.Execution{
		"POST /a/b → 400, 1.0 ms, 7 operations":          {Method: "POST", Path: "/a/b", HTTPStatus: 400, Status: store.StatusOK},
		"POST /a/b → 204, ok, 1.0 ms, 7 operations":      {Method: "POST", Path: "/a/b", HTTPStatus: 204, Status: store.StatusOK},
		"POST /a/b → 500, error, 1.0 ms, 7 operations":   {Method: "POST", Path: "/a/b", HTTPStatus: 500, Status: store.StatusError},
		"queue → mail.rhai, ok, 1.0 ms, 7 operations":    {Trigger: "queue", Script: "mail", Status: store.StatusOK},
		"POST /a/b → 504, timeout, 1.0 ms, 7 operations": {Method: "POST", Path: "/a/b", HTTPStatus: 504, Status: store.StatusTimeout},
	} {
		s := &screen{lines: make(chan string, 1)}
		e.Duration, e.Operations = time.Millisecond, 7
		s.record(e)
		if got := <-s.lines; !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
