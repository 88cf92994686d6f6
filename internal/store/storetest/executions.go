package storetest

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
)

// OpenExecutions returns an empty store of executions that the test's cleanup
// closes. size tells how many bytes it takes on disk.
type OpenExecutions func(t *testing.T) (x store.Executions, size func() int64)

// RunExecutions runs the suite for store.Executions.
func RunExecutions(t *testing.T, open OpenExecutions) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, x store.Executions, size func() int64)
	}{
		{"RoundTrip", testRoundTrip},
		{"List", testListExecutions},
		{"ListDense", testListDense},
		{"Invalid", testInvalidExecutions},
		{"WriteTwice", testWriteTwice},
		{"DeleteApp", testDeleteAppExecutions},
		{"PruneAge", testPruneAge},
		{"PruneSize", testPruneSize},
		{"PruneNothing", testPruneNothing},
		{"PruneWhileWriting", testPruneWhileWriting},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, size := open(t)
			c.test(t, x, size)
		})
	}
}

// executionID returns a UUIDv7 of the given time; of those of one millisecond
// the later call's sorts last.
func executionID(when time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], uint64(when.UnixMilli())<<16)
	id[6] = 0x70
	binary.BigEndian.PutUint64(id[8:], uint64(counter.Add(1))|0x80<<56)
	return id.String()
}

// execution returns a plain one.
func execution(app, script string, when time.Time) store.Execution {
	return store.Execution{
		ID: executionID(when), AppID: app, ScriptID: script, Script: "hello", Version: 1, Deployment: 2,
		Trigger: "http", Status: store.StatusOK, Method: "GET", Path: "/demo/hello", HTTPStatus: 200,
		StartedAt: when, Duration: 1234567 * time.Nanosecond, Operations: 42, PeakMemory: 4096,
	}
}

func write(t *testing.T, x store.Executions, batch ...store.Execution) {
	t.Helper()
	must(t, "WriteExecutions", x.WriteExecutions(t.Context(), batch))
}

func ids(list []store.Execution) []string {
	out := []string{}
	for _, e := range list {
		out = append(out, e.ID)
	}
	return out
}

func testRoundTrip(t *testing.T, x store.Executions, _ func() int64) {
	full := execution(newID(), newID(), at(0))
	full.Status, full.Error, full.HTTPStatus = store.StatusError, "nope\x00 \xff, line 3", 500
	full.Calls = []store.Call{{At: full.StartedAt, Method: "GET", Host: "api.example.com", Status: 200, Duration: time.Second}, {At: full.StartedAt, Method: "PUT", Host: "10.0.0.1", Error: "refused"}}
	full.CallsDropped = 1
	full.EventIDs, full.EventSource = []string{newID(), newID(), "no UUID"}, "sensors/1\xff"
	full.Path, full.LogsDropped, full.Version, full.Deployment = "/demo/a%00\x00\xff", 7, 1<<40, 1<<41
	full.Logs = []store.LogLine{
		{At: at(time.Millisecond), Level: "info", Source: "print", Line: 3, Column: 9, Message: "hello\x00\xff\nüber"},
		{At: at(-time.Second), Level: "error", Source: "log"},
	}
	plain := execution(full.AppID, full.ScriptID, at(time.Second))
	write(t, x, full, plain)
	write(t, x)

	got, err := x.Execution(t.Context(), full.ID)
	must(t, "Execution", err)
	equal(t, "Execution", got, full)
	list, err := x.ListExecutions(t.Context(), store.ExecutionFilter{AppID: full.AppID, Limit: 10, Logs: true})
	must(t, "ListExecutions", err)
	equal(t, "with logs", list, []store.Execution{plain, full})
	list, err = x.ListExecutions(t.Context(), store.ExecutionFilter{AppID: full.AppID, Limit: 10})
	must(t, "ListExecutions", err)
	full.Logs, full.Calls, full.CallsDropped = nil, nil, 0
	equal(t, "without logs", list, []store.Execution{plain, full})
	_, err = x.Execution(t.Context(), executionID(at(0)))
	wantErr(t, "an ID that does not exist", err, store.ErrNotFound)
	_, err = x.Execution(t.Context(), "nope")
	wantErr(t, "an ID that is none", err, store.ErrNotFound)
}

func testListExecutions(t *testing.T, x store.Executions, _ func() int64) {
	app, other := newID(), newID()
	hello, rare := newID(), newID()
	var batch []store.Execution
	for i := range 90 {
		e := execution(app, hello, at(time.Duration(i)*time.Hour))
		switch {
		case i%10 == 3:
			e.ScriptID = rare
		case i%10 == 4:
			e.Status = store.StatusTimeout
		case i%10 == 5:
			e.AppID, e.ScriptID = other, newID()
		}
		batch = append(batch, e)
	}
	write(t, x, batch[:70]...)
	write(t, x, batch[70:]...)

	list := func(f store.ExecutionFilter) []string {
		t.Helper()
		got, err := x.ListExecutions(t.Context(), f)
		must(t, "ListExecutions", err)
		return ids(got)
	}
	want := func(keep func(i int, e store.Execution) bool) []string {
		out := []string{}
		for i := len(batch) - 1; i >= 0; i-- {
			if keep(i, batch[i]) {
				out = append(out, batch[i].ID)
			}
		}
		return out
	}
	ofApp := func(_ int, e store.Execution) bool { return e.AppID == app }
	equal(t, "an app's, newest first", list(store.ExecutionFilter{AppID: app, Limit: 1000}), want(ofApp))
	equal(t, "first five", list(store.ExecutionFilter{AppID: app, Limit: 5}), want(ofApp)[:5])
	equal(t, "a script's", list(store.ExecutionFilter{AppID: app, ScriptID: rare, Limit: 1000}),
		want(func(_ int, e store.Execution) bool { return e.ScriptID == rare }))
	equal(t, "by status", list(store.ExecutionFilter{AppID: app, Status: store.StatusTimeout, Limit: 1000}),
		want(func(_ int, e store.Execution) bool { return e.Status == store.StatusTimeout }))
	equal(t, "ok ones", list(store.ExecutionFilter{AppID: app, Status: store.StatusOK, Limit: 1000}),
		want(func(_ int, e store.Execution) bool { return e.AppID == app && e.Status == store.StatusOK }))
	equal(t, "a script's by status", list(store.ExecutionFilter{AppID: app, ScriptID: rare, Status: store.StatusTimeout, Limit: 9}), []string{})
	equal(t, "before", list(store.ExecutionFilter{AppID: app, Before: batch[20].ID, Limit: 1000}),
		want(func(i int, e store.Execution) bool { return e.AppID == app && i < 20 }))
	equal(t, "after", list(store.ExecutionFilter{AppID: app, After: batch[80].ID, Limit: 1000}),
		want(func(i int, e store.Execution) bool { return e.AppID == app && i > 80 }))
	equal(t, "a script of another app", list(store.ExecutionFilter{AppID: other, ScriptID: rare, Limit: 9}), []string{})
}

// Thousands a second: executions of several scripts and ends begin in the same
// milliseconds, and end in another order than they began.
func testListDense(t *testing.T, x store.Executions, _ func() int64) {
	app, other := newID(), newID()
	scripts := []string{newID(), newID(), newID()}
	var all []store.Execution
	for i := range 3000 {
		e := execution(app, scripts[i%7%3], at(time.Duration(i)*time.Millisecond))
		switch {
		case i%11 == 0:
			e.Status = store.StatusError
		case i%13 == 0:
			e.AppID = other
		}
		if i%5 == 0 {
			e.Logs = []store.LogLine{{At: e.StartedAt, Level: "info", Source: "print", Message: e.ID}}
		}
		all = append(all, e)
	}
	// Every third one runs long and is written with a later batch.
	var now, late []store.Execution
	for i, e := range all {
		if i%3 == 0 {
			late = append(late, e)
		} else {
			now = append(now, e)
		}
		if len(now) == 500 {
			write(t, x, now...)
			now = nil
		}
	}
	write(t, x, append(now, late...)...)
	write(t, x, append(now, late...)...) // as after an answer that got lost

	for _, f := range []store.ExecutionFilter{
		{Limit: 1},
		{Limit: 50},
		{Limit: 1000, Logs: true},
		{Limit: 1000, Before: all[1500].ID},
		{Limit: 7, Before: all[1501].ID},
		{Limit: 1000, After: all[2400].ID},
		{Limit: 20, After: all[100].ID, Before: all[900].ID},
		{Limit: 1000, ScriptID: scripts[2]},
		{Limit: 40, Status: store.StatusError, Logs: true},
		{Limit: 1000, Status: store.StatusOK, Before: all[700].ID},
		{Limit: 9, Before: all[0].ID},
		{Limit: 9, After: all[2999].ID},
		{Limit: 100, ScriptID: scripts[0], Status: store.StatusError, Before: all[2000].ID},
	} {
		f.AppID = app
		want := []store.Execution{}
		for i := len(all) - 1; i >= 0 && len(want) < f.Limit; i-- {
			e := all[i]
			if e.AppID != app || f.ScriptID != "" && e.ScriptID != f.ScriptID || f.Status != "" && e.Status != f.Status ||
				f.Before != "" && e.ID >= f.Before || e.ID <= f.After {
				continue
			}
			if !f.Logs {
				e.Logs = nil
			}
			want = append(want, e)
		}
		got, err := x.ListExecutions(t.Context(), f)
		must(t, "ListExecutions", err)
		equal(t, fmt.Sprintf("%+v", f), got, want)
	}
	for i := 0; i < len(all); i += 97 {
		got, err := x.Execution(t.Context(), all[i].ID)
		must(t, "Execution", err)
		equal(t, "one of many", got, all[i])
	}
	removed, _, err := x.Prune(t.Context(), store.Retention{MaxAge: time.Second}, at(time.Hour))
	must(t, "Prune", err)
	equal(t, "removed", removed, int64(len(all)))
}

func testInvalidExecutions(t *testing.T, x store.Executions, _ func() int64) {
	good := execution(newID(), newID(), at(0))
	for name, spoil := range map[string]func(*store.Execution){
		"an ID that is no UUID":    func(e *store.Execution) { e.ID = "one" },
		"an ID that is not v7":     func(e *store.Execution) { e.ID = uuid.NewString() },
		"an app that is no UUID":   func(e *store.Execution) { e.AppID = "" },
		"a script that is no UUID": func(e *store.Execution) { e.ScriptID = "hello" },
	} {
		bad := good
		spoil(&bad)
		wantErr(t, name, x.WriteExecutions(t.Context(), []store.Execution{good, bad}), store.ErrInvalid)
	}
	_, err := x.Execution(t.Context(), good.ID)
	wantErr(t, "nothing of the refused batches", err, store.ErrNotFound)
	for name, f := range map[string]store.ExecutionFilter{
		"no app":   {Limit: 1},
		"script":   {AppID: good.AppID, ScriptID: "x", Limit: 1},
		"before":   {AppID: good.AppID, Before: "x", Limit: 1},
		"after v4": {AppID: good.AppID, After: uuid.NewString(), Limit: 1},
	} {
		_, err := x.ListExecutions(t.Context(), f)
		wantErr(t, name, err, store.ErrInvalid)
	}
}

func testWriteTwice(t *testing.T, x store.Executions, _ func() int64) {
	app := newID()
	var batch []store.Execution
	for i := range 70 {
		batch = append(batch, execution(app, newID(), at(time.Duration(i)*time.Second)))
	}
	write(t, x, batch[:40]...)
	changed := batch[3]
	changed.Status = store.StatusError
	write(t, x, append([]store.Execution{changed}, batch[20:]...)...)
	list, err := x.ListExecutions(t.Context(), store.ExecutionFilter{AppID: app, Limit: 1000})
	must(t, "ListExecutions", err)
	equal(t, "executions", len(list), 70)
	got, err := x.Execution(t.Context(), changed.ID)
	must(t, "Execution", err)
	equal(t, "the one that was there", got, batch[3])
}

func testDeleteAppExecutions(t *testing.T, x store.Executions, _ func() int64) {
	goes, stays := newID(), newID()
	var batch []store.Execution
	for i := range 2100 {
		batch = append(batch, execution(goes, newID(), at(time.Duration(i)*time.Second)))
	}
	kept := execution(stays, newID(), at(0))
	write(t, x, append(batch, kept)...)
	must(t, "DeleteAppExecutions", x.DeleteAppExecutions(t.Context(), goes))
	must(t, "DeleteAppExecutions of nothing", x.DeleteAppExecutions(t.Context(), goes))
	list, err := x.ListExecutions(t.Context(), store.ExecutionFilter{AppID: goes, Limit: 10})
	must(t, "ListExecutions", err)
	equal(t, "the app's", ids(list), []string{})
	_, err = x.Execution(t.Context(), kept.ID)
	must(t, "another app's", err)
}

func testPruneAge(t *testing.T, x store.Executions, size func() int64) {
	app, script := newID(), newID()
	const days, perDay = 10, 300
	for day := range days {
		var batch []store.Execution
		for i := range perDay {
			e := execution(app, script, at(time.Duration(day)*24*time.Hour+time.Duration(i)*time.Minute))
			e.Logs = []store.LogLine{{At: e.StartedAt, Level: "info", Source: "print", Message: string(noise(1000))}}
			batch = append(batch, e)
		}
		write(t, x, batch...)
	}
	full := size()
	// Half a day remains of the day at the cut.
	now := at(days * 24 * time.Hour)
	age := 2*24*time.Hour - 100*time.Minute
	removed, next, err := x.Prune(t.Context(), store.Retention{MaxAge: age}, now)
	must(t, "Prune", err)
	equal(t, "removed", removed, 8*perDay+100)
	list, err := x.ListExecutions(t.Context(), store.ExecutionFilter{AppID: app, Limit: 1000})
	must(t, "ListExecutions", err)
	equal(t, "left", len(list), 2*perDay-100)
	oldest := list[len(list)-1].StartedAt
	equal(t, "when the oldest goes", next, oldest.Truncate(time.Millisecond).Add(age))
	if left := size(); left > full/3 {
		t.Errorf("the disk has %d bytes of %d back, after eight of ten days went", full-left, full)
	}
	removed, next, err = x.Prune(t.Context(), store.Retention{MaxAge: time.Minute}, now.Add(time.Hour))
	must(t, "Prune", err)
	equal(t, "removed with the rest", removed, 2*perDay-100)
	equal(t, "next of none", next, time.Time{})
}

func testPruneSize(t *testing.T, x store.Executions, size func() int64) {
	app, script := newID(), newID()
	var all []store.Execution
	for batch := range 8 {
		var list []store.Execution
		for i := range 250 {
			// Two days, so that one is given up whole and one in part.
			e := execution(app, script, at(time.Duration(batch/4)*24*time.Hour+time.Duration(batch*250+i)*time.Second))
			e.Logs = []store.LogLine{{At: e.StartedAt, Level: "info", Source: "print", Message: string(noise(2000))}}
			list = append(list, e)
		}
		write(t, x, list...)
		all = append(all, list...)
	}
	full := size()
	for _, keep := range []int64{full * 3 / 4, full / 4} {
		removed, _, err := x.Prune(t.Context(), store.Retention{MaxBytes: keep}, at(0))
		must(t, "Prune", err)
		if removed == 0 && keep < full/2 {
			t.Errorf("nothing was removed to get from %d to %d bytes", full, keep)
		}
		// Journals and catalogues come on top.
		if left := size(); left > keep+512<<10 {
			t.Errorf("the disk has %d bytes left, %d were allowed", left, keep)
		}
	}
	list, err := x.ListExecutions(t.Context(), store.ExecutionFilter{AppID: app, Limit: 1000})
	must(t, "ListExecutions", err)
	if n := len(list); n < 100 || n > 900 {
		t.Errorf("%d of 2000 executions are left in a quarter of the space", n)
	}
	for i, e := range list {
		if want := all[len(all)-1-i].ID; e.ID != want {
			t.Fatalf("the %dth newest is %s, want %s: it removed others than the oldest", i, e.ID, want)
		}
	}
}

func testPruneNothing(t *testing.T, x store.Executions, _ func() int64) {
	for _, r := range []store.Retention{{}, {MaxAge: time.Hour, MaxBytes: 1}} {
		removed, next, err := x.Prune(t.Context(), r, at(0))
		must(t, "Prune of nothing", err)
		equal(t, "removed", removed, 0)
		equal(t, "next", next, time.Time{})
	}
	e := execution(newID(), newID(), at(0))
	write(t, x, e)
	removed, next, err := x.Prune(t.Context(), store.Retention{}, at(1000*time.Hour))
	must(t, "Prune without bounds", err)
	equal(t, "removed", removed, 0)
	equal(t, "next", next, time.Time{})
	removed, next, err = x.Prune(t.Context(), store.Retention{MaxAge: time.Hour}, at(time.Hour-time.Second))
	must(t, "Prune of what is young enough", err)
	equal(t, "removed", removed, 0)
	equal(t, "next", next, at(time.Hour).Truncate(time.Millisecond))
}

func testPruneWhileWriting(t *testing.T, x store.Executions, _ func() int64) {
	app := newID()
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := range 20 {
				var batch []store.Execution
				for j := range 20 {
					batch = append(batch, execution(app, newID(), at(time.Duration(i*20+j)*time.Minute)))
				}
				if err := x.WriteExecutions(t.Context(), batch); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 10 {
			if _, _, err := x.Prune(t.Context(), store.Retention{MaxAge: time.Hour}, at(time.Duration(i)*30*time.Minute)); err != nil {
				t.Errorf("Prune: %v", err)
			}
		}
	})
	wg.Wait()
	_, _, err := x.Prune(t.Context(), store.Retention{MaxAge: time.Hour}, at(400*time.Minute))
	must(t, "Prune", err)
	list, err := x.ListExecutions(t.Context(), store.ExecutionFilter{AppID: app, Limit: 1000})
	must(t, "ListExecutions", err)
	equal(t, "left", len(list), 3*60)
}

// noise is text that no compression shortens much.
func noise(n int) []byte {
	b := make([]byte, 0, n+20)
	x := uint64(counter.Add(1)) * 0x9e3779b97f4a7c15
	for len(b) < n {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = fmt.Appendf(b, "%016x", x)
	}
	return b[:n]
}
